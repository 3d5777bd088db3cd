"""Judges runs: outcomes from traces, verdicts from outcomes. Pure: no server, no toolchain, no clock."""

from milvus_parity.judge.exit_code import exit_code
from milvus_parity.judge.judge import judge_run

__all__ = ["exit_code", "judge_run"]
