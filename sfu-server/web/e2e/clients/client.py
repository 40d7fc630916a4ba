"""A client of the Python SDK that a test drives: orders in, facts out, one JSON object a line.

    python client.py URL TOKEN

Orders: {"do": "publish", "colours": [[r, g, b] x 4], "hertz": n}, {"do": "send", "size": n,
"topic": t, "to": [identity ...], "reliable": bool}, {"do": "text", "text": s, "topic": t, "to":
[...]}, {"do": "leave"}.

Facts: joined, published, sent, data, text, video, audio, left. The bytes of a message of size n are
i % 251 for i < n; what arrives is told by its length and its digest.
"""

import asyncio
import hashlib
import json
import math
import sys

import numpy
from livekit import rtc

WIDTH, HEIGHT, FPS = 640, 360, 15
RATE = 48_000
# Sound is given in pieces of 10 ms, as WebRTC takes it.
PIECE = RATE // 100
# A spectrum of half a second is exact to 2 Hz.
WINDOW = RATE // 2

tasks = set()


def tell(fact, **more):
    print(json.dumps({"fact": fact, **more}), flush=True)


def spawn(work):
    """Keeps the task, and ends the program with it if it fails: a test must not wait in vain."""

    def done(task):
        tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            tell("failed", error=repr(task.exception()))

    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(done)


async def read_video(track, sender):
    """Tells the colours in the middles of the four quarters of a picture, twice a second."""
    frames = 0
    async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.RGB24):
        frames += 1
        if frames % (FPS // 2) != 0:
            continue
        frame = event.frame
        pixels = numpy.frombuffer(frame.data, dtype=numpy.uint8)
        pixels = pixels.reshape(frame.height, frame.width, 3)
        colours = []
        for y in (frame.height // 4, frame.height * 3 // 4):
            for x in (frame.width // 4, frame.width * 3 // 4):
                middle = pixels[y - 8 : y + 8, x - 8 : x + 8]
                colours.append([round(float(c)) for c in middle.mean(axis=(0, 1))])
        tell("video", sender=sender, colours=colours, width=frame.width, height=frame.height)


async def read_audio(track, sender):
    """Tells the loudest tone and its share of all sound, twice a second."""
    heard = numpy.zeros(0)
    async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
        heard = numpy.append(heard, numpy.frombuffer(event.frame.data, dtype=numpy.int16))
        if len(heard) < WINDOW:
            continue
        spectrum = numpy.abs(numpy.fft.rfft(heard[:WINDOW] * numpy.hanning(WINDOW))) ** 2
        heard = heard[WINDOW:]
        whole = float(spectrum.sum())
        loudest = int(spectrum.argmax())
        near = float(spectrum[max(0, loudest - 3) : loudest + 4].sum())
        tell(
            "audio",
            sender=sender,
            hertz=loudest * RATE / WINDOW,
            share=near / whole if whole > 0 else 0,
        )


async def show(source, colours):
    picture = numpy.zeros((HEIGHT, WIDTH, 4), dtype=numpy.uint8)
    half_y, half_x = HEIGHT // 2, WIDTH // 2
    for at, colour in enumerate(colours):
        y, x = divmod(at, 2)
        picture[y * half_y : (y + 1) * half_y, x * half_x : (x + 1) * half_x] = [*colour, 255]
    frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes())
    while True:
        source.capture_frame(frame)
        await asyncio.sleep(1 / FPS)


async def hum(source, hertz):
    at = 0
    while True:
        angles = (numpy.arange(at, at + PIECE) % RATE) * (2 * math.pi * hertz / RATE)
        samples = (numpy.sin(angles) * 8_000).astype(numpy.int16)
        at += PIECE
        # Waits while enough of it is queued.
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, PIECE))


async def publish(room, colours, hertz):
    video = rtc.VideoSource(WIDTH, HEIGHT)
    spawn(show(video, colours))
    track = rtc.LocalVideoTrack.create_video_track("colours", video)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await room.local_participant.publish_track(track, options)
    audio = rtc.AudioSource(RATE, 1)
    spawn(hum(audio, hertz))
    track = rtc.LocalAudioTrack.create_audio_track("tone", audio)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    tell("published")


async def obey(room, order):
    me = room.local_participant
    to = order.get("to", [])
    match order["do"]:
        case "publish":
            await publish(room, order["colours"], order["hertz"])
        case "send":
            payload = bytes(i % 251 for i in range(order["size"]))
            await me.publish_data(
                payload,
                reliable=order.get("reliable", True),
                topic=order["topic"],
                destination_identities=to,
            )
            tell("sent", topic=order["topic"])
        case "text":
            await me.send_text(order["text"], topic=order["topic"], destination_identities=to)
            tell("sent", topic=order["topic"])
        case "leave":
            await room.disconnect()
            return False
    return True


def listen(room):
    def data(packet):
        sender = packet.participant.identity if packet.participant else ""
        digest = hashlib.sha256(packet.data).hexdigest()
        reliable = packet.kind == rtc.DataPacketKind.KIND_RELIABLE
        size = len(packet.data)
        tell("data", sender=sender, topic=packet.topic, size=size, digest=digest, reliable=reliable)

    def subscribed(track, _publication, participant):
        read = read_video if track.kind == rtc.TrackKind.KIND_VIDEO else read_audio
        spawn(read(track, participant.identity))

    async def read_text(reader, sender):
        tell("text", sender=sender, topic=reader.info.topic, text=await reader.read_all())

    room.on("data_received", data)
    room.on("track_subscribed", subscribed)
    room.on("disconnected", lambda reason: tell("left", reason=str(reason)))
    room.register_text_stream_handler("chat", lambda *text: spawn(read_text(*text)))


async def main(url, token):
    room = rtc.Room()
    listen(room)
    await room.connect(url, token)
    tell("joined", identity=room.local_participant.identity)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async for line in orders:
        if not await obey(room, json.loads(line)):
            return
    await room.disconnect()


asyncio.run(main(*sys.argv[1:]))
