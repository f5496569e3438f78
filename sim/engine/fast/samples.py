"""What is written down at each instant of the timeline."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import set_alarm
from sim.engine.fast.layout import Breaker, Budget, Controller, Header, Level, Place, Sampler
from sim.engine.fast.memory import Memory, log_word
from sim.network.policies import TOKEN


@inner
def take_sample(m: Memory) -> None:
    """How many wait and are served at every place, how many executions are at work, and what policies say."""
    sampler = m[Header.SAMPLE]
    log = sampler + Sampler.LOG
    log_word(m, log, m[Header.NOW])
    for number in range(m[Header.PLACE_COUNT]):
        place = m[m[Header.PLACES] + number]
        log_word(m, log, m[place + Place.WAITING])
        log_word(m, log, m[place + Place.BUSY])
    for routine in range(m[sampler + Sampler.ROUTINES]):
        log_word(m, log, m[m[Header.ROUTINES] + routine * Level.SIZE + Level.CURRENT])
    for number in range(m[Header.CONTROLLER_COUNT]):
        log_word(m, log, m[m[m[Header.CONTROLLERS] + number] + Controller.KEPT])
    for number in range(m[Header.BREAKER_COUNT]):
        log_word(m, log, m[m[m[Header.BREAKERS] + number] + Breaker.LEVEL])
    for number in range(m[Header.BUDGET_COUNT]):
        log_word(m, log, m[m[m[Header.BUDGETS] + number] + Budget.SUM] // TOKEN)
    for number in range(m[Header.PLACE_COUNT]):
        place = m[m[Header.PLACES] + number]
        if m[place + Place.SHED] >= 0:
            log_word(m, log, m[place + Place.REJECTED] - m[place + Place.REJECTED_BEFORE])
            m[place + Place.REJECTED_BEFORE] = m[place + Place.REJECTED]
    m[sampler + Sampler.NUMBER] += 1
    set_alarm(m, m[sampler + Sampler.NUMBER] * m[sampler + Sampler.INTERVAL], sampler)
