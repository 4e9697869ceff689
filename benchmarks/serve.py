"""The server under load: requests a second, waiting times, memory; one picture in ten is broken.

python benchmarks/serve.py --requests 2000 --clients 8
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter

import numpy as np
from PIL import Image

from interplay.samples import sample_path


def main() -> None:
    """Start a server of its own, send requests from several threads, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--port", type=int, default=8731)
    arguments = parser.parse_args()
    address = f"http://127.0.0.1:{arguments.port}/"
    server = subprocess.Popen([sys.executable, "-m", "interplay", "serve", "--port", str(arguments.port)])
    try:
        _wait_for(address, server)
        good, broken = _picture(), _picture()[:2000]
        for _ in range(3):
            _post(address, good)
        before = _memory(server.pid)
        codes, waits = Counter[tuple[bool, int]](), list[float]()
        lock, numbers = threading.Lock(), iter(range(arguments.requests))

        def client() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                bad = number % 10 == 9
                start = time.perf_counter()
                code = _post(address, broken if bad else good)
                with lock:
                    codes[bad, code] += 1
                    waits.append(time.perf_counter() - start)

        begin = time.perf_counter()
        threads = [threading.Thread(target=client) for _ in range(arguments.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begin
        p50, p99 = np.percentile(waits, [50, 99])
        right = codes[False, 200] + codes[True, 400]
        print(f"requests            {arguments.requests:,} from {arguments.clients} clients")
        print(f"answered as wanted  {right:,} (200 for pictures, 400 for broken ones); others {dict(codes)}")
        print(f"requests a second   {arguments.requests / seconds:.2f}")
        print(f"waiting p50, p99    {p50:.2f} s, {p99:.2f} s")
        print(f"memory              {before:.0f} MB before, {_memory(server.pid):.0f} MB after")
    finally:
        server.terminate()
        server.wait(60)


def _memory(process: int) -> float:
    """MB of a process that are in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(process)])) / 1000


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.open(sample_path()).resize((480, 320)).save(stream, "JPEG")
    return stream.getvalue()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            urllib.request.urlopen(f"{address}health").close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server does not answer")


def _post(address: str, data: bytes) -> int:
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    request = urllib.request.Request(f"{address}v1/detect", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
