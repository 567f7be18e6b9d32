"""What a release holds, and that the same commit makes the same bytes."""

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from pack import LEFT_OUT, PARTS, ROOT, Missing, bill, files, release, sums


class Packing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def project(self, name, moment, order=1):
        """The same project, made at another moment, in another place, and in another order."""
        root = self.folder / name
        written = {
            "CHANGELOG.md": "changes",
            "LICENSE": "MIT",
            "infra/aws/ops/main.ts": "main",
            "infra/aws/settings.json": "of the one who packs",
            "infra/aws/node_modules/x/index.js": "installed",
            "infra/aws/test/a.test.ts": "test",
            "infra/headers.json": "{}",
            "shared/keys.json": "{}",
            "shared/openapi.json": "{}",
            "site/dist/index.html": "<p>",
            "target/lambda/revoke/bootstrap": "program",
            "target/lambda/search/bootstrap": "another",
            "target/lambda/search/notes.txt": "left by a build",
        }
        for path, text in list(written.items())[::order]:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o700 if order > 0 else 0o664)
            os.utime(file, (moment, moment))
        return root

    def packed(self, root, name):
        release(root, "0.2.0", "x86_64", self.folder / name)
        return {one.name: one.read_bytes() for one in (self.folder / name).iterdir()}

    def test_the_same_files_make_the_same_bytes_wherever_and_whenever(self):
        first = self.packed(self.project("one", 1_000_000_000), "out-one")
        second = self.packed(self.project("two", 1_700_000_001, order=-1), "out-two")
        self.assertEqual(first, second)
        self.assertEqual(set(first), {"latchkey-0.2.0-x86_64.tar.gz", "latchkey-0.2.0-x86_64-functions.tar"})

    def test_another_program_makes_other_bytes(self):
        root = self.project("one", 1_000_000_000)
        first = self.packed(root, "out-one")
        (root / "target/lambda/revoke/bootstrap").write_text("changed")
        second = self.packed(root, "out-two")
        for name in first:
            self.assertNotEqual(first[name], second[name])

    def test_nothing_of_the_one_who_packs_is_in_it(self):
        out = self.packed(self.project("one", 1_000_000_000), "out")
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(out["latchkey-0.2.0-x86_64.tar.gz"]))) as tar:
            members = {one.name.removeprefix("latchkey-0.2.0-x86_64/"): one for one in tar.getmembers()}
        self.assertEqual(
            sorted(members),
            sorted(
                [
                    "CHANGELOG.md",
                    "LICENSE",
                    "infra/aws/ops/main.ts",
                    "infra/headers.json",
                    "shared/keys.json",
                    "shared/openapi.json",
                    "site/dist/index.html",
                    "target/lambda/revoke/bootstrap",
                    "target/lambda/search/bootstrap",
                ]
            ),
        )
        for name, one in members.items():
            program = name.endswith("bootstrap")
            self.assertEqual((one.mode, one.uid, one.gid, one.mtime, one.uname), (0o755 if program else 0o644, 0, 0, 0, ""))

    def test_a_function_is_a_zip_file_that_lambda_can_run(self):
        out = self.packed(self.project("one", 1_000_000_000), "out")
        with tarfile.open(fileobj=io.BytesIO(out["latchkey-0.2.0-x86_64-functions.tar"])) as tar:
            self.assertEqual(tar.getnames(), [f"latchkey-0.2.0-x86_64-functions/{one}.zip" for one in ("revoke", "search")])
            content = tar.extractfile(tar.getmembers()[0]).read()
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            [member] = packed.infolist()
            self.assertEqual((member.filename, member.external_attr >> 16), ("bootstrap", 0o100755))
            self.assertEqual(packed.read(member), b"program")

    def test_what_was_not_built_is_not_packed(self):
        root = self.project("one", 1_000_000_000)
        (root / "site/dist/index.html").unlink()
        with self.assertRaisesRegex(Missing, "site/dist"):
            release(root, "0.2.0", "x86_64", self.folder / "out")
        self.assertFalse((self.folder / "out").exists())

    def test_every_file_that_the_app_reads_beside_itself_is_in_it(self):
        sources = [one for one in files(ROOT, "infra/aws") if one.suffix == ".ts"]
        named = set()
        for source in sources:
            for path in re.findall(r'(?:new URL\(|from )"(\.\./\.\./[^"]+)"', source.read_text()):
                named.add((source.parent / path).resolve().relative_to(ROOT).as_posix())
        self.assertIn("shared/openapi.json", named)
        # `restore` builds a program of Rust, which takes the whole project.
        named.discard(".")
        for path in named:
            self.assertTrue(any(path == part or path.startswith(f"{part}/") for part in PARTS), path)
            self.assertFalse(LEFT_OUT & set(Path(path).parts), path)

    def test_the_bill_names_every_crate_and_package_of_the_lock_files_once_and_with_its_digest(self):
        found = bill(ROOT, "0.2.0")
        self.assertEqual((found["bomFormat"], found["specVersion"]), ("CycloneDX", "1.6"))
        names = [one["purl"] for one in found["components"]]
        self.assertEqual(names, sorted(set(names)))
        for purl in ("pkg:cargo/axum@", "pkg:cargo/argon2@", "pkg:npm/preact@", "pkg:npm/aws-cdk-lib@"):
            self.assertTrue(any(name.startswith(purl) for name in names), purl)
        for none in ("pkg:cargo/shared@", "pkg:npm/vitest@"):
            self.assertFalse(any(name.startswith(none) for name in names), none)
        for one in found["components"]:
            if one["purl"].startswith("pkg:cargo/"):
                self.assertRegex(one["hashes"][0]["content"], r"^[0-9a-f]{64}$")
        self.assertEqual(json.dumps(found), json.dumps(bill(ROOT, "0.2.0")))

    def test_the_project_its_api_and_its_changes_tell_the_same_version(self):
        version = re.search(r'^version = "(\d+\.\d+\.\d+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
        self.assertEqual(json.loads((ROOT / "shared/openapi.json").read_text())["info"]["version"], version)
        newest = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
        self.assertEqual(newest, version)
        crates = (ROOT / "Cargo.lock").read_text().split("[[package]]")[1:]
        own = {re.search(r'^version = "(.*)"$', one, re.M)[1] for one in crates if "\nsource = " not in one}
        self.assertEqual(own, {version})
        # The release is made for the tag that is called so.
        workflow = (ROOT / ".github/workflows/release.yml").read_text()
        self.assertIn('tags: ["v[0-9]+.[0-9]+.[0-9]+"]', workflow)
        for file in ("Cargo.toml", "CHANGELOG.md"):
            self.assertRegex(workflow, rf'grep -qx ".*\$\{{GITHUB_REF_NAME#v\}}.*" {re.escape(file)}')

    def test_sums_are_those_that_sha256sum_checks(self):
        (self.folder / "a.tar").write_bytes(b"a")
        (self.folder / "b.json").write_bytes(b"b")
        sums(self.folder)
        sums(self.folder)
        lines = (self.folder / "SHA256SUMS").read_text().splitlines()
        self.assertEqual(lines, [f"{hashlib.sha256(one).hexdigest()}  {name}" for one, name in ((b"a", "a.tar"), (b"b", "b.json"))])


if __name__ == "__main__":
    unittest.main()
