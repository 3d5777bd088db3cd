"""``milvus-parity replay``: the other name of ``report``, for those who look for it."""

from milvus_parity.cli.report_command import command as report

command = report
