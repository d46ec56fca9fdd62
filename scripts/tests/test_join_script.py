"""kipina-node.sh from a hub: fetched, checked, installed, updated, and what it refuses."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from join_support import BASH, ROOT, SCRIPT, SILENT, TOOLS, JoinTest, node


class Installing(JoinTest):
    def test_the_readmes_line_ends_in_a_node_that_knows_its_hub(self):
        self.hub.release("0.1.0")
        run = self.run_script("--engine --model smollm2:135m", NODE_API_KEY="secret", OLLAMA_MODEL="some")
        websocket = self.hub.url.replace("http", "ws") + "/ws"
        self.assert_runs(run, "0.1.0", HUB_URL=websocket, NODE_API_KEY="secret", OLLAMA_MODEL="some")
        self.assertIn("arguments: --engine --model smollm2:135m\n", run.out)
        sum8 = hashlib.sha256(node("0.1.0")).hexdigest()[:8]
        self.assertEqual(os.readlink(self.link), f"{self.data}/versions/0.1.0-{sum8}/kipina-node")
        port = self.hub.server_address[1]
        pinned = (self.data / f"keys/127.0.0.1_{port}.pem").read_text()
        self.assertEqual(pinned, (self.hub.downloads / "kipina.pub").read_text())
        self.assertRegex(run.err, rf'export PATH="{self.link.parent}:\$PATH"')
        self.assertEqual([path.name for path in self.data.iterdir() if path.name.startswith(".new")], [])

    def test_a_saved_script_is_as_good(self):
        self.hub.release("0.1.0")
        saved = f"curl -fsSL {self.hub.url}/kipina-node -o kipina-node && chmod +x kipina-node && ./kipina-node --engine"
        self.assert_runs(self.run_script(command=saved), "0.1.0")

    def test_flags_keep_their_words(self):
        self.hub.release("0.1.0")
        self.assertIn("arguments: --engine --name My machine *\n", self.run_script("--engine --name 'My machine *'").out)

    def test_a_second_run_downloads_nothing(self):
        binary = self.hub.release("0.1.0")
        self.run_script("--engine")
        self.hub.asked.clear()
        run = self.run_script("--engine", PATH=f"{self.bin}:{self.link.parent}")
        self.assert_runs(run, "0.1.0")
        self.assertNotIn(f"/download/{binary.name}", self.hub.asked)
        self.assertEqual(run.err, "")

    def test_every_machine_gets_its_own(self):
        machines = {
            ("Linux", "x86_64"): "linux-x86_64",
            ("Linux", "aarch64"): "linux-arm64",
            ("Darwin", "arm64"): "macos-arm64",
            ("Darwin", "x86_64"): "macos-x86_64",
            ("Darwin", "x86_64", "1"): "macos-arm64",
        }
        for platform in set(machines.values()):
            self.hub.release("0.1.0", node("0.1.0", platform), platform=platform)
        for (system, processor, *translated), platform in machines.items():
            with self.subTest(system=system, processor=processor, translated=translated):
                self.write_program("uname", f'#!/bin/sh\nif [ "$1" = -m ]; then echo {processor}; else echo {system}; fi\n')
                self.write_program("sysctl", f"#!/bin/sh\necho {''.join(translated) or 0}\n")
                self.assert_runs(self.run_script("--engine"), "0.1.0")
                self.assertIn(f"# {platform} ", self.link.read_text())
                shutil.rmtree(self.home / ".local")

    def test_a_machine_with_glibc_gets_the_program_that_reaches_graphics_cards(self):
        loader = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}
        for architecture, own in loader.items():
            for platform in f"linux-{architecture}", f"linux_gpu-{architecture}":
                self.hub.release("0.2.0", node("0.2.0", platform), platform=platform)
            has_glibc = pathlib.Path(own).exists()
            processor = {"arm64": "aarch64"}.get(architecture, architecture)
            self.write_program("uname", f'#!/bin/sh\nif [ "$1" = -m ]; then echo {processor}; else echo Linux; fi\n')
            with self.subTest(architecture=architecture, has_glibc=has_glibc):
                self.assert_runs(self.run_script("--gpu"), "0.2.0")
                self.assertIn(f"# linux{'_gpu' if has_glibc else ''}-{architecture} ", self.link.read_text())
                # A release of which it was not built.
                newer = self.hub.release("0.3.0", node("0.3.0", "newer"), platform=f"linux-{architecture}")
                self.assert_runs(self.run_script("--gpu"), "0.3.0")
                newer.unlink()
                shutil.rmtree(self.home / ".local")

    def test_other_machines_are_told_how_to_build(self):
        self.hub.release("0.1.0")
        for system, processor in ("Linux", "riscv64"), ("FreeBSD", "amd64"):
            self.write_program("uname", f'#!/bin/sh\nif [ "$1" = -m ]; then echo {processor}; else echo {system}; fi\n')
            self.assert_fails(self.run_script(), rf"no program for this machine \({system} {processor}\).*{self.hub.url}/join.sh \| bash")
        self.write_program("uname", "#!/bin/sh\necho MINGW64_NT-10.0\n")
        self.assert_fails(self.run_script(), r"irm .*/kipina-node.ps1 \| iex")
        self.assert_nothing_installed()

    def test_with_wget_alone(self):
        self.give_tool("wget")
        (self.bin / "curl").unlink()
        self.hub.release("0.1.0")
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(SCRIPT))
        self.assert_runs(self.run_script(command="bash ./kipina-node"), "0.1.0")
        self.hub.statuses["/download/SHA256SUMS"] = 404
        shutil.rmtree(self.home / ".local")
        self.assert_fails(self.run_script(command="bash ./kipina-node"), "has no programs to give")
        (self.bin / "wget").unlink()
        self.assert_fails(self.run_script(command="bash ./kipina-node"), "curl is missing: install it")

    def test_with_busybox_alone(self):
        busybox = shutil.which("busybox")
        if not busybox:
            self.skipTest("no busybox here")
        binary = self.hub.release("0.1.0")
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(SCRIPT))
        for tool in self.bin.iterdir():
            if tool.name not in ("bash", "openssl", "uname"):
                tool.unlink()
        for tool in {*TOOLS, "wget"} - {"curl", "openssl", "uname"}:
            (self.bin / tool).symlink_to(busybox)
        ollama = self.new_ollama()
        self.hub.cuts[f"/download/{binary.name}"] = 1
        for _ in range(2):
            run = self.run_script(command="bash ./kipina-node", KIPINA_OLLAMA_CANDIDATES=f"{SILENT} {ollama.url}")
            self.assert_runs(run, "0.1.0", OLLAMA_URL=ollama.url)
        self.assertEqual(len(self.hub.resumed), 1)

    def test_questions_of_the_program_need_no_hub(self):
        self.hub.release("0.1.0")
        for flags in "status", "--uninstall":
            self.assert_fails(self.run_script(flags), "kipina-node is not installed")
        self.assertIn("arguments: --help\n", self.run_script("--help").out)
        self.hub.asked.clear()
        for flags in "status --json", "--uninstall", "--help":
            self.assertIn(f"arguments: {flags}\n", self.run_script(flags).out)
        self.assertEqual(set(self.hub.asked), {"/kipina-node"})

    def test_a_command_that_is_not_ours_is_left_alone(self):
        self.hub.release("0.1.0")
        self.link.parent.mkdir(parents=True)
        self.link.write_text("mine")
        run = self.run_script("--engine")
        self.assert_runs(run, "0.1.0")
        self.assertRegex(run.err, "was made by something else")
        self.assertEqual(self.link.read_text(), "mine")

    def test_speaks_finnish(self):
        self.hub.release("0.1.0")
        self.assertRegex(self.run_script("--engine", LANG="fi_FI.UTF-8").err, r"^Haetaan kipina-node 0\.1\.0\.\nAsennettiin ")


class TheHubsAddress(JoinTest):
    def test_is_taken_however_it_is_written(self):
        self.hub.release("0.1.0")
        carrying = self.new_hub("carrying")
        port = self.hub.server_address[1]
        for written in (
            self.hub.url,
            f"{self.hub.url}/",
            f"127.0.0.1:{port}",
            f"localhost:{port}",
            f"ws://127.0.0.1:{port}/ws",
            f" {self.hub.url}/ws/ ",
        ):
            with self.subTest(written):
                run = self.run_script(command=self.piped("--engine", hub=carrying), KIPINA_HUB=written)
                host = "localhost" if "localhost" in written else "127.0.0.1"
                self.assert_runs(run, "0.1.0", HUB_URL=f"ws://{host}:{port}/ws")

    def test_of_another_hub_goes_with_that_hubs_key(self):
        self.hub.release("0.1.0")
        carrying = self.new_hub("carrying")
        carrying.release("0.2.0")
        run = self.run_script(command=self.piped("--engine", hub=carrying), KIPINA_HUB=self.hub.url)
        self.assert_runs(run, "0.1.0")
        self.assert_runs(self.run_script(command=self.piped("--engine", hub=carrying)), "0.2.0")

    def test_is_refused_where_it_is_none(self):
        for written in "ftp://example.org", "http://", "https://user:word@example.org", "http://a b", "$(touch x)", "http://x/?a", "-x":
            with self.subTest(written):
                self.assert_fails(self.run_script(KIPINA_HUB=written), "is no usable address")
        self.assertFalse((self.folder / "x").exists())
        self.assert_nothing_installed()

    def test_of_the_internet_means_encryption(self):
        self.write_program("curl", '#!/bin/sh\necho "$@" >>"$HOME/../asked"\nexit 6\n')
        run = self.run_script(command=f"bash {SCRIPT}", KIPINA_HUB="hub.example.org")
        self.assert_fails(run, "https://hub.example.org is not known")
        run = self.run_script(command=f"bash {SCRIPT}")
        self.assert_fails(run, "https://kipina.studio is not known")
        self.assertIn("--proto =https ", (self.folder / "asked").read_text())


class Updating(JoinTest):
    def test_a_newer_version_takes_over_and_the_one_before_is_kept(self):
        for version in "0.9.0", "0.10.0", "0.10.0.1":
            self.hub.release(version)
            self.assert_runs(self.run_script("--engine"), version)
        self.assertEqual([name.rpartition("-")[0] for name in self.installed()], ["0.10.0", "0.10.0.1"])

    def test_the_newest_of_a_list_is_taken(self):
        for version in "1.2.0", "1.10.0", "1.9.9":
            self.hub.release(version)
        self.assert_runs(self.run_script("--engine"), "1.10.0")

    def test_an_older_hub_changes_nothing(self):
        self.hub.release("0.2.0")
        self.run_script("--engine")
        older = self.new_hub("older")
        older.release("0.1.9")
        run = self.run_script(command=self.piped("--engine", hub=older))
        self.assert_runs(run, "0.2.0", HUB_URL=older.url.replace("http", "ws") + "/ws")
        self.assertIn("The installed version 0.2.0 is newer than 0.1.9", run.err)

    def test_the_same_version_with_other_content_is_taken(self):
        self.hub.release("0.1.0")
        self.run_script("--engine")
        self.hub.release("0.1.0", node("0.1.0", "mended"))
        self.assert_runs(self.run_script("--engine"), "0.1.0")
        self.assertIn("# mended ", self.link.read_text())
        self.assertEqual(len(self.installed()), 2)

    def test_a_version_that_does_not_start_here_does_not_take_over(self):
        self.hub.release("0.1.0")
        self.run_script("--engine")
        self.hub.release("0.2.0", b"#!/bin/sh\necho 'GLIBC_9.99 not found' >&2\nexit 1\n")
        run = self.run_script("--engine")
        self.assert_runs(run, "0.1.0")
        self.assertIn("Version 0.2.0 does not start on this machine (GLIBC_9.99 not found). Going on with version 0.1.0.", run.err)
        self.assertEqual(len(self.installed()), 1)
        shutil.rmtree(self.home / ".local")
        self.assert_fails(self.run_script("--engine"), r"does not start on this machine: GLIBC_9.99 not found\. .*join.sh")
        self.assert_nothing_installed()

    def test_a_damaged_program_is_fetched_anew(self):
        self.hub.release("0.1.0")
        self.run_script("--engine")
        program = pathlib.Path(os.readlink(self.link))
        program.write_text("#!/bin/sh\necho broken\n")
        self.assert_runs(self.run_script("--engine"), "0.1.0")

    def test_without_its_hub_the_installed_program_runs(self):
        self.hub.release("0.1.0")
        self.run_script("--engine")
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(SCRIPT))
        for change in (
            lambda: self.hub.statuses.update({"/download/SHA256SUMS": 503}),
            lambda: self.hub.statuses.update({"/download/SHA256SUMS": 404}),
            lambda: setattr(self.hub, "page", b"<html>Please sign in</html>"),
            self.hub.close,
        ):
            change()
            run = self.run_script(command="bash ./kipina-node --engine")
            self.assert_runs(run, "0.1.0")
            self.assertRegex(run.err, r"Using the installed version 0\.1\.0\.")


class Refusing(JoinTest):
    def setUp(self):
        super().setUp()
        self.binary = self.hub.release("0.1.0")

    def test_a_tampered_binary(self):
        self.binary.write_bytes(node("0.1.0", "evil"))
        self.assert_fails(self.run_script(), "is not the file that the hub has signed")
        self.assert_nothing_installed()

    def test_a_tampered_list(self):
        listed = self.hub.downloads / "SHA256SUMS"
        listed.write_text(listed.read_text().replace("0.1.0", "0.9.9"))
        for self.hub.carries_key in True, False:
            self.assert_fails(self.run_script(), "has a wrong signature.*Nothing was installed")
        self.assert_nothing_installed()
        self.assertFalse((self.data / "keys").exists(), "a key that proved nothing was kept")

    def test_a_tampered_list_where_a_version_is_installed(self):
        self.run_script("--engine")
        (self.hub.downloads / "SHA256SUMS.sig").write_text("bm8=\n")
        self.assert_fails(self.run_script("--engine"), "has a wrong signature")

    def test_a_changed_key(self):
        self.run_script("--engine")
        self.hub.key.unlink()
        self.hub.release("0.2.0")
        for self.hub.carries_key in True, False:
            run = self.run_script("--engine")
            pinned = f"{self.data}/keys/127.0.0.1_{self.hub.server_address[1]}.pem"
            self.assert_fails(run, f"signs with another key than before.*delete {pinned} and run this again")
        self.assertEqual(len(self.installed()), 1)
        pathlib.Path(pinned).unlink()
        self.assert_runs(self.run_script("--engine"), "0.2.0")

    def test_a_list_signed_with_another_key_than_the_scripts(self):
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(SCRIPT))
        self.hub.key.unlink()
        self.hub.release("0.2.0")
        self.assert_fails(self.run_script(command="bash ./kipina-node"), "has a wrong signature")

    def test_names_that_are_no_files_of_a_release(self):
        listed = self.hub.downloads / "SHA256SUMS"
        listed.write_text(f"{'0' * 64}  kipina-node-../../x-linux-x86_64\n")
        self.assert_fails(self.run_script(), "gave something quite different")

    def test_a_hub_without_downloads(self):
        shutil.rmtree(self.hub.downloads)
        self.assert_fails(self.run_script(), "has no programs to give. Build one from source: curl .*/join.sh")

    def test_a_hub_without_a_key(self):
        (self.hub.downloads / "kipina.pub").unlink()
        self.assert_fails(self.run_script(), "did not give the key")

    def test_a_machine_that_cannot_check(self):
        (self.bin / "openssl").unlink()
        self.assert_fails(self.run_script(), "openssl is missing")
        self.assert_nothing_installed()


class Breaking(JoinTest):
    def setUp(self):
        super().setUp()
        self.binary = self.hub.release("0.1.0")
        self.path = f"/download/{self.binary.name}"

    def test_a_download_goes_on_where_it_broke_off(self):
        self.hub.cuts[self.path] = 2
        run = self.run_script("--engine")
        self.assert_runs(run, "0.1.0")
        self.assertEqual(len(self.hub.resumed), 2)
        self.assertEqual(run.err.count("going on"), 2)

    def test_a_download_goes_on_in_the_next_run(self):
        self.hub.cuts[self.path] = 3
        self.assert_fails(self.run_script("--engine"), "broke off. Run this again")
        self.assert_nothing_installed()
        resumed = len(self.hub.resumed)
        self.assert_runs(self.run_script("--engine"), "0.1.0")
        self.assertEqual(len(self.hub.resumed), resumed + 1)
        self.assertEqual(list((self.data / "unfinished").iterdir()), [])

    def test_a_wrong_beginning_is_thrown_away(self):
        unfinished = self.data / "unfinished"
        unfinished.mkdir(parents=True)
        for beginning in b"wrong", b"x" * 1_000_000:
            (unfinished / hashlib.sha256(self.binary.read_bytes()).hexdigest()).write_bytes(beginning)
            self.assert_runs(self.run_script("--engine"), "0.1.0")
            shutil.rmtree(self.data / "versions")

    def test_a_hub_that_gives_no_parts(self):
        self.hub.gives_parts = False
        self.hub.cuts[self.path] = 1
        self.assert_runs(self.run_script("--engine"), "0.1.0")

    def test_every_failure_is_one_line(self):
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(SCRIPT))
        cases = [
            ({self.path: 404}, "does not have what was asked for"),
            ({self.path: 500}, r"answered with an error \(HTTP 500\)"),
            ({"/download/SHA256SUMS": 403}, r"answered with an error \(HTTP 403\)"),
            ({"/download/SHA256SUMS": 407}, "proxy"),
        ]
        for statuses, words in cases:
            with self.subTest(words):
                self.hub.statuses = statuses
                self.assert_fails(self.run_script(command="bash ./kipina-node"), words)
        self.hub.page = b"<!DOCTYPE html><html>Sign in</html>"
        self.assert_fails(self.run_script(command="bash ./kipina-node"), "Sign in to the network")
        self.hub.close()
        run = self.run_script(command="bash ./kipina-node")
        self.assert_fails(run, "does not answer: check that the hub is running")
        self.assertEqual(run.err.count("\n"), 1)
        run = self.run_script(command="bash ./kipina-node", KIPINA_HUB=self.hub.url, http_proxy="http://127.0.0.1:9")
        self.assert_fails(run, "does not answer, or the proxy does not")
        self.assert_nothing_installed()

    def test_encryption_that_nobody_vouches_for(self):
        self.write_program("curl", "#!/bin/sh\nprintf 000\nexit 60\n")
        self.assert_fails(self.run_script(command=f"bash {SCRIPT}"), "no trusted encrypted connection.*ca-certificates")
        self.write_program("curl", "#!/bin/sh\nprintf 000\nexit 56\n")
        run = self.run_script(command=f"bash {SCRIPT}", https_proxy="http://proxy:1")
        self.assert_fails(run, "The proxy does not let this machine reach")

    def test_a_home_that_cannot_be_written(self):
        for home in "/dev/null", "/proc/nothing":
            run = self.run_script(HOME=home)
            self.assert_fails(run, f"Cannot write to {home}/.local/share/kipina")
            self.assertEqual(run.err.count("\n"), 1)
        self.assert_fails(self.run_script(HOME=None), "no home folder")
        self.assert_runs(self.run_script("--engine", XDG_DATA_HOME=f"{self.folder}/elsewhere"), "0.1.0")
        self.assertTrue((self.folder / "elsewhere/kipina/versions").is_dir())

    def test_a_full_disk_and_a_folder_without_programs(self):
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine allows no mounts")
        self.data.mkdir(parents=True)
        for options, words in ("size=40k", "Cannot write to .* Make room"), ("noexec", r"may not be run from .*\(noexec\)"):
            with self.subTest(options):
                inner = self.piped("--engine").replace("'", "'\\''")
                command = f"unshare -rm sh -c 'mount -t tmpfs -o {options} none {self.data} && bash -c \"{inner}\"'"
                self.give_tool("unshare")
                self.give_tool("mount")
                self.assert_fails(self.run_script(command=command), words)

    def test_a_run_that_is_stopped_leaves_what_came(self):
        self.hub.cuts[self.path] = 99
        run = subprocess.Popen([BASH, "-c", f"curl -fsSL {self.hub.url}/kipina-node -o k && exec bash k"], env=self.environment(), cwd=self.folder, stderr=subprocess.PIPE, start_new_session=True)
        while b"going on" not in run.stderr.readline():
            pass
        os.killpg(run.pid, signal.SIGTERM)
        self.assertEqual(run.wait(20), 143)
        run.stderr.close()
        self.assertEqual(len(list((self.data / "unfinished").iterdir())), 1)
        self.assertEqual([path for path in self.data.iterdir() if path.name.startswith(".new")], [])


class TheScriptItself(JoinTest):
    def test_a_script_that_was_cut_off_runs_nothing(self):
        self.hub.release("0.1.0")
        for name in SCRIPT, ROOT / "join.sh":
            whole = self.hub.script(name).rstrip(b"\n")
            last = whole.rfind(b"\n")
            for end in [*range(0, last, len(whole) // 60), *range(last, len(whole))]:
                cut = self.folder / "cut"
                cut.write_bytes(whole[:end])
                self.hub.asked.clear()
                self.run_script(command="bash <cut")
                self.assertEqual(self.hub.asked, [], whole[:end][-60:])
        self.assert_nothing_installed()

    def test_needs_nothing_that_bash_3_2_does_not_have(self):
        newer = {
            r"\$\{[^}]*(\^\^?|,,?)\}": "changes of case",
            r"\b(mapfile|readarray|coproc)\b": "newer commands",
            r"\b(declare|local|typeset) -[a-zA-Z]*[Ang]": "associative arrays, names, globals",
            r"&>>|\|&|;;&|;&(?!;)": "newer redirections",
            r"\$\{[^}]*@[A-Zak]\}": "transformations",
            r"\bwait -n\b|\bBASHPID\b|\bEPOCH|\bglobstar\b|\[\[ -v|\btest -v": "newer variables and tests",
            r"\{[a-z_]+\}[<>]": "descriptors with names",
            r"\$\{[a-z_]+:[0-9]+: *-": "lengths counted from the end",
            r"%\([^)]*\)T": "dates in printf",
            r"read [^|;]*-[a-zA-Z]*[Ni] |read [^|;]*-t 0?\.": "newer reads",
            r"\. <\(|source <\(": "reading a program from a process",
            r'(?<!\+)"\$\{[a-z]+\[@\]\}"': "empty arrays, which are unset to it",
        }
        for script in SCRIPT, ROOT / "join.sh":
            for number, line in enumerate(script.read_text().splitlines(), 1):
                code = re.sub(r"(^|\s)#.*", "", line)
                for form, what in newer.items():
                    self.assertNotRegex(code, form, f"{script.name}:{number}: {what}")

    def test_says_what_it_needs_where_it_is_no_bash(self):
        dash = shutil.which("dash")
        if not dash:
            self.skipTest("no dash here")
        self.hub.release("0.1.0")
        for name in SCRIPT, ROOT / "join.sh":
            run = self.run_script(command=f"{dash} <{name}")
            self.assertEqual((run.code, run.out), (1, ""))
            self.assertIn("This needs bash", run.err)

    def test_has_every_sentence_in_both_languages_with_the_same_values(self):
        table = re.findall(r"^    (\w+)\) finnish='(.*)' english='(.*)' ;;$", SCRIPT.read_text(), re.M)
        self.assertGreater(len(table), 40)
        for key, finnish, english in table:
            self.assertEqual(finnish.count("%s"), english.count("%s"), key)
            self.assertNotEqual(finnish, english, key)
        code = re.sub(r"(?m)(^|\s)#.*|^    \w+\) finnish=.*", "", SCRIPT.read_text())
        used = set(re.findall(r"\b(?:say|fail|message|ask|build_or) (\w+)", code))
        used |= set(re.findall(r"problem=(\w+)", code)) - {"starts_anew"}
        self.assertEqual(used, {key for key, _, _ in table})


if __name__ == "__main__":
    unittest.main()
