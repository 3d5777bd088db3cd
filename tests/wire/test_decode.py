"""Calls are read out of the bytes of a connection, however these are cut and whatever they are."""

import random

import pytest
from hyperframe.frame import HeadersFrame, SettingsFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.wire.decode import PREFACE, ConnectionDecoder, Side, error_name
from milvus_parity.wire.grpc_messages import KEEP_BYTES, KEEP_MESSAGES
from wire_fakes import DROP, Script, message, shown


def _script_of_everything() -> Script:
    script = Script()
    script.request(1, body=b"one", extra=[("dbname", "x"), ("x-long", "v" * 300)])
    script.ping()
    script.request(3, "/p.S/Unknown", b"two" * 100, extra=[("dbname", "x"), ("x-long", "v" * 300)], split=5)
    script.answer(3, b"three")
    script.push(1, 2)
    script.answer(1, b"", "5", "not%20found")
    script.pieces.append((Side.SERVER, b"\x00\x00\x06\xbe\x00\x00\x00\x00\x00grease"))
    script.request(5, extra=[("dbname", "y")], pad=9)
    script.headers(Side.SERVER, 5, [(":status", "103"), ("link", "hint")])
    script.headers(Side.SERVER, 5, [(":status", "200"), ("grpc-status", "16")], end=True)
    script.headers(Side.CLIENT, 7, [(":path", "/p.S/Stream")])
    for end in (False, False, True):
        script.data(Side.CLIENT, 7, message(b"piece") + message(b"")[:3], pad=17)
        script.data(Side.CLIENT, 7, message(b"")[3:], end=end)
    script.rst(Side.CLIENT, 7, 8)
    script.request(9)
    script.goaway(7)
    return script


EVERYTHING = _script_of_everything()
EXPECTED = [shown(call) for call in EVERYTHING.decode()[0]]


def test_what_each_call_was() -> None:
    calls, decoder = EVERYTHING.decode()
    assert decoder.problem is None
    by_stream = {call.stream: call for call in calls}
    assert sorted(by_stream) == [1, 3, 5, 7, 9]
    assert dict(by_stream[1].headers)[b"dbname"] == b"x"
    assert dict(by_stream[1].trailers) == {b"grpc-status": b"5", b"grpc-message": b"not%20found"}
    assert by_stream[3].request.kept[0].head == b"two" * 100
    assert by_stream[3].response.kept[0].head == b"three"
    assert dict(by_stream[5].trailers)[b"grpc-status"] == b"16"
    assert [kept.head for kept in by_stream[7].request.kept] == [b"piece", b""] * 3
    assert by_stream[7].reset == "client CANCEL"
    assert by_stream[9].reset == "server GOAWAY"
    assert by_stream[9].ended == -1.0


def test_step_and_time_are_those_of_the_piece_that_completed_the_header_block() -> None:
    script = Script()
    script.request(1)
    piece = 3  # after the preface and the settings of both
    split = [
        *script.pieces[:piece],
        (Side.CLIENT, script.pieces[piece][1][:4]),
        (Side.CLIENT, script.pieces[piece][1][4:]),
        *script.pieces[piece + 1 :],
    ]
    calls, _ = script.decode(split)
    assert (calls[0].step, calls[0].started) == (piece + 1, float(piece + 1))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_how_the_bytes_are_cut_changes_nothing(sizes: list[int]) -> None:
    turn = iter(range(10**9))
    calls, decoder = EVERYTHING.decode(EVERYTHING.cut_into(lambda: sizes[next(turn) % len(sizes)]))
    assert decoder.problem is None
    assert [shown(call) for call in calls] == EXPECTED


@given(st.data())
@settings(max_examples=200)
def test_garbage_never_raises(data: st.DataObject) -> None:
    decoder = ConnectionDecoder()
    if data.draw(st.booleans()):
        decoder.feed(Side.CLIENT, PREFACE, at=0)
    for piece in data.draw(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=200)), max_size=20)):
        decoder.feed(*piece, at=0)
    decoder.close()
    assert not (decoder.problem or "").startswith("the recorder failed")


@given(st.integers(0, 10**6), st.integers(1, 12))
@settings(max_examples=200)
def test_damage_is_told_and_never_raises(seed: int, hits: int) -> None:
    chance = random.Random(seed)
    pieces = []
    for side, data in EVERYTHING.pieces:
        damaged = bytearray(data)
        if chance.random() < 0.3:
            for _ in range(hits):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        pieces.append((side, bytes(damaged)))
    calls, decoder = EVERYTHING.decode(pieces)
    assert not (decoder.problem or "").startswith("the recorder failed")
    assert len(calls) <= len(EVERYTHING.pieces)


def test_a_client_that_does_not_speak_http2() -> None:
    decoder = ConnectionDecoder()
    decoder.feed(Side.CLIENT, b"GET / HTTP/1.1\r\n\r\n", at=0)
    assert decoder.problem == "what the client sent can't be read as HTTP/2: it begins with b'GET / HTTP/1'"
    decoder.feed(Side.SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n", at=0)
    assert decoder.close() == []


def test_a_server_that_does_not_speak_http2() -> None:
    decoder = ConnectionDecoder()
    decoder.feed(Side.SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n", at=0)
    assert decoder.problem is not None
    assert "frame of type" in decoder.problem
    assert "server" in decoder.problem


def test_calls_before_the_problem_are_kept_and_those_after_it_are_not() -> None:
    script = Script()
    script.request(1)
    script.answer(1)
    script.request(3)
    script.frame(Side.SERVER, HeadersFrame(3, data=b"\xff\xff\xff\xff\xff\xff\xff\xff"))
    script.pieces[-1] = (
        Side.SERVER,
        script.pieces[-1][1].replace(b"\x01\x00\x00\x00\x00\x03", b"\x01\x04\x00\x00\x00\x03"),
    )
    script.answer(3)
    calls, decoder = script.decode()
    assert decoder.problem is not None
    assert [(call.stream, call.reset) for call in calls] == [(1, None), (3, "connection lost")]


def test_a_connection_cut_in_the_middle_of_a_frame() -> None:
    script = Script()
    script.request(1, body=b"abcdef")
    side, last = script.pieces.pop()
    script.pieces.append((side, last[:-3]))
    calls, decoder = script.decode()
    assert decoder.problem is None
    assert calls[0].request.kept[0].head == b"abc"
    assert (calls[0].request.kept[0].size, calls[0].request.kept[0].received) == (6, 3)
    assert calls[0].reset == "connection lost"


def test_dynamic_tables_over_many_streams_and_a_larger_table() -> None:
    script = Script()
    script.frame(Side.SERVER, SettingsFrame(0, settings={SettingsFrame.HEADER_TABLE_SIZE: 65536}))
    script.encoders[Side.CLIENT].header_table_size = 65536
    for number in range(1000):
        script.request(2 * number + 1, extra=[("dbname", f"db{number % 90}"), ("x-pad", "p" * (number % 70))])
        script.answer(2 * number + 1)
    calls, decoder = script.decode()
    assert decoder.problem is None
    assert [dict(call.headers)[b"dbname"] for call in calls] == [b"db%d" % (number % 90) for number in range(1000)]


def test_a_large_message_keeps_its_head_size_and_hash() -> None:
    import hashlib

    body = random.Random(1).randbytes(5 * 1024 * 1024)
    script = Script()
    script.headers(Side.CLIENT, 1, [(":path", DROP)])
    framed = message(body)
    for start in range(0, len(framed), 16384):
        script.data(Side.CLIENT, 1, framed[start : start + 16384], end=start + 16384 >= len(framed))
    script.answer(1)
    calls, _ = script.decode()
    (kept,) = calls[0].request.kept
    assert (kept.head, kept.size, kept.received) == (body[:KEEP_BYTES], len(body), len(body))
    assert kept.sha256 == hashlib.sha256(body).hexdigest()


def test_a_long_stream_is_counted_on_and_not_kept_whole() -> None:
    script = Script()
    script.headers(Side.CLIENT, 1, [(":path", "/p.S/Stream")])
    for _ in range(1000):
        script.data(Side.CLIENT, 1, message(b"x" * 10))
    calls, _ = script.decode()
    assert (calls[0].request.count, calls[0].request.size) == (1000, 10_000)
    assert len(calls[0].request.kept) == KEEP_MESSAGES


def test_a_huge_data_frame_is_not_held_back_until_it_is_whole() -> None:
    decoder = ConnectionDecoder()
    script = Script()
    script.headers(Side.CLIENT, 1, [(":path", DROP)])
    for side, data in script.pieces:
        decoder.feed(side, data, at=0)
    length = 0xFFFFFF
    decoder.feed(Side.CLIENT, length.to_bytes(3, "big") + b"\x00\x00\x00\x00\x00\x01", at=0)
    decoder.feed(Side.CLIENT, (length - 5).to_bytes(5, "big"), at=0)
    for _ in range(100):
        decoder.feed(Side.CLIENT, b"z" * 65536, at=0)
    assert len(decoder._directions[Side.CLIENT]._buffer) == 0
    (call,) = decoder.close()
    assert call.request.kept[0].received == 100 * 65536


@pytest.mark.parametrize(("code", "name"), [(0, "NO_ERROR"), (7, "REFUSED_STREAM"), (8, "CANCEL"), (99, "error 99")])
def test_names_of_errors(code: int, name: str) -> None:
    assert error_name(code) == name
