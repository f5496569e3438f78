"""What is written down at each instant of the timeline."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import set_alarm
from sim.engine.fast.layout import (
    BK_LEVEL,
    BU_SUM,
    H_BREAKERS,
    H_BUDGETS,
    H_CONTROLLERS,
    H_NOW,
    H_PLACE_COUNT,
    H_PLACES,
    H_ROUTINES,
    H_SAMPLE,
    KO_KEPT,
    M_BUSY,
    M_REJECTED,
    M_WAITING,
    P_REJECTED,
    P_SHED,
    RL_CURRENT,
    RL_SIZE,
    SA_INTERVAL,
    SA_LOG,
    SA_NUMBER,
)
from sim.engine.fast.memory import Memory, log_word
from sim.network.policies import TOKEN


@inner
def take_sample(m: Memory) -> None:
    """How many wait and are served at every place, how many executions are at work, and what policies say."""
    sampler = m[H_SAMPLE]
    log = sampler + SA_LOG
    log_word(m, log, m[H_NOW])
    for number in range(m[H_PLACE_COUNT]):
        place = m[m[H_PLACES] + number]
        log_word(m, log, m[place + M_WAITING])
        log_word(m, log, m[place + M_BUSY])
    for routine in range(m[sampler + SA_LOG + 3]):
        log_word(m, log, m[m[H_ROUTINES] + routine * RL_SIZE + RL_CURRENT])
    for number in range(m[H_CONTROLLERS + 1]):
        log_word(m, log, m[m[m[H_CONTROLLERS] + number] + KO_KEPT])
    for number in range(m[H_BREAKERS + 1]):
        log_word(m, log, m[m[m[H_BREAKERS] + number] + BK_LEVEL])
    for number in range(m[H_BUDGETS + 1]):
        log_word(m, log, m[m[m[H_BUDGETS] + number] + BU_SUM] // TOKEN)
    for number in range(m[H_PLACE_COUNT]):
        place = m[m[H_PLACES] + number]
        if m[place + P_SHED] >= 0:
            log_word(m, log, m[place + M_REJECTED] - m[place + P_REJECTED])
            m[place + P_REJECTED] = m[place + M_REJECTED]
    m[sampler + SA_NUMBER] += 1
    set_alarm(m, m[sampler + SA_NUMBER] * m[sampler + SA_INTERVAL], sampler)
