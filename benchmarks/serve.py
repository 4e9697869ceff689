"""The server under load: requests a second, waiting times, memory; one picture in ten is broken.

    python benchmarks/serve.py --requests 2000 --clients 8

Pictures have seven sizes and both orientations. Memory is that of the server's process, after each tenth of the
requests, so that growth shows as growth and not as a first batch's buffers.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from interplay.samples import sample_path

SIZES = ((480, 320), (640, 480), (480, 640), (300, 300), (1024, 683), (500, 375), (1920, 1080))
"""Of the pictures: width and height."""


def main() -> None:
    """Start a server of its own, send requests from several threads, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--timeout", type=int, default=60, help="of the server, seconds: more on a busy machine")
    parser.add_argument("--port", type=int, default=8731)
    arguments = parser.parse_args()
    address = f"http://127.0.0.1:{arguments.port}/"
    options = ["--port", str(arguments.port), "--timeout", str(arguments.timeout)]
    server = subprocess.Popen([sys.executable, "-m", "interplay", "serve", *options])
    try:
        _wait_for(address, server)
        good = [_picture(*size) for size in SIZES]
        broken = good[0][:2000]
        for data in good:
            _post(address, data)
        memory = [_memory(server.pid)]
        codes, waits = Counter[tuple[bool, int]](), list[float]()
        lock = threading.Lock()
        numbers: Iterator[int] = iter(range(arguments.requests))
        every = max(arguments.requests // 10, 1)

        def client() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                bad = number % 10 == 9
                start = time.perf_counter()
                code = _post(address, broken if bad else good[number % len(good)], 2 * arguments.timeout)
                with lock:
                    codes[bad, code] += 1
                    waits.append(time.perf_counter() - start)
                    if len(waits) % every == 0:
                        memory.append(_memory(server.pid))

        begin, cpu = time.perf_counter(), _cpu(server.pid)
        threads = [threading.Thread(target=client) for _ in range(arguments.clients)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:  # what was asked is answered and counted
            numbers = iter(())
            for thread in threads:
                thread.join()
        seconds = time.perf_counter() - begin
        p50, p99 = np.percentile(waits, [50, 99])
        right = codes[False, 200] + codes[True, 400]
        print(f"requests            {len(waits):,} from {arguments.clients} clients")
        print(f"answered as wanted  {right:,} (200 for pictures, 400 for broken ones); others {dict(codes)}")
        print(f"requests a second   {len(waits) / seconds:.2f}")
        print(f"processor time      {(_cpu(server.pid) - cpu) / len(waits):.3f} s a request, of the server")
        print(f"waiting p50, p99    {p50:.2f} s, {p99:.2f} s")
        print(f"memory, MB          {', '.join(f'{each:.0f}' for each in memory)} (before, and after each tenth)")
    finally:
        server.terminate()
        server.wait(60)


def _memory(process: int) -> float:
    """MB of a process that are in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(process)])) / 1000


def _cpu(process: int) -> float:
    """Seconds that the processor has worked for a process."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _picture(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.open(sample_path()).resize((width, height)).save(stream, "JPEG")
    return stream.getvalue()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):  # ten minutes: loading takes long on a busy machine
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            urllib.request.urlopen(f"{address}health").close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server does not answer")


def _post(address: str, data: bytes, timeout: float = 600) -> int:
    """The status of the answer; 0 for none."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    request = urllib.request.Request(f"{address}v1/detect", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


if __name__ == "__main__":
    main()
