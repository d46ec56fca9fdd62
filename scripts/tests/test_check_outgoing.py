"""A hub that could be made to connect somewhere is caught, and today's can't."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from check_outgoing import clients, connecting_lines  # noqa: E402


class Outgoing(unittest.TestCase):
    def test_a_client_anywhere_in_the_tree_is_caught(self):
        tree = "hub v0.1.0 (/src/hub)\naxum v0.8.9\nhyper v1.12.0\nreqwest v0.13.5\n"
        self.assertEqual(clients(tree), ["reqwest: a client that is built into the hub; it must connect to nobody"])

    def test_a_server_is_no_client(self):
        self.assertEqual(clients("hub v0.1.0\nhyper v1.12.0\ntungstenite v0.29.0\n"), [])

    def test_lines_that_connect_are_caught_and_comments_are_not(self):
        sources = {
            "a.rs": "let a = TcpStream::connect(url).await?;\n",
            "b/c.rs": "// TcpStream::connect is not for us\nuse std::process::Command;\n",
            "c.rs": "let client = Client::builder(TokioExecutor::new()).build_http();\n",
            "d.rs": "let listener = TcpListener::bind(address).await?;\nfn serve(socket: TcpStream) {}\n",
        }
        found = connecting_lines(sources)
        self.assertEqual([line.split(": ")[0] for line in found], ["hub/src/a.rs:1", "hub/src/b/c.rs:2", "hub/src/c.rs:1"])

    def test_this_hub_connects_to_nobody(self):
        run = subprocess.run([sys.executable, "scripts/check_outgoing.py"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
