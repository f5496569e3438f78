"""What is written down at each instant of the timeline."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import set_alarm
from sim.engine.fast.memory import Memory, log_word
from sim.network.policies import TOKEN


@inner
def take_sample(m: Memory) -> None:
    """How many wait and are served at every place, how many executions are at work, and what policies say."""
    sampler = m[L.H_SAMPLE]
    log = sampler + L.SA_LOG
    log_word(m, log, m[L.H_NOW])
    for number in range(m[L.H_PLACE_COUNT]):
        place = m[m[L.H_PLACES] + number]
        log_word(m, log, m[place + L.M_WAITING])
        log_word(m, log, m[place + L.M_BUSY])
    for routine in range(m[sampler + L.SA_LOG + 3]):
        log_word(m, log, m[m[L.H_ROUTINES] + routine * L.RL_SIZE + L.RL_CURRENT])
    for number in range(m[L.H_CONTROLLERS + 1]):
        log_word(m, log, m[m[m[L.H_CONTROLLERS] + number] + L.KO_KEPT])
    for number in range(m[L.H_BREAKERS + 1]):
        log_word(m, log, m[m[m[L.H_BREAKERS] + number] + L.BK_LEVEL])
    for number in range(m[L.H_BUDGETS + 1]):
        log_word(m, log, m[m[m[L.H_BUDGETS] + number] + L.BU_SUM] // TOKEN)
    for number in range(m[L.H_PLACE_COUNT]):
        place = m[m[L.H_PLACES] + number]
        if m[place + L.P_SHED] >= 0:
            log_word(m, log, m[place + L.M_REJECTED] - m[place + L.P_REJECTED])
            m[place + L.P_REJECTED] = m[place + L.M_REJECTED]
    m[sampler + L.SA_NUMBER] += 1
    set_alarm(m, m[sampler + L.SA_NUMBER] * m[sampler + L.SA_INTERVAL], sampler)
