"""Run folders: written as a run goes on, read whole or in part, merged and compared.

run.json         the header: what was to be run, with what, on which server
programs.jsonl   what was compiled and run, one program a line
traces.jsonl     the raw facts, one execution a line, written as each ends
calls.jsonl      what went over the wire, one call a line, and a line that closes each recording
footer.json      how the run ended, and the checksum of each file; without it the run is truncated
"""
