"""What `unpack.py` takes, and what it refuses whole."""

import hashlib
import io
import tarfile
import tempfile
import unittest
from pathlib import Path

from unpack import Refused, unpack

NAMES = ["settings.json", "infra/aws/cdk.out", "site/dist"]


class Unpacking(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.archive = self.folder / "deployment.tar"
        self.target = self.folder / "target"
        self.target.mkdir()

    def pack(self, *members):
        with tarfile.open(self.archive, "w") as tar:
            for name, change in members:
                member = tarfile.TarInfo(name)
                member.mode = 0o644
                content = b"content"
                for key, value in change.items():
                    setattr(member, key, value)
                member.size = len(content) if member.isreg() else 0
                tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
        return hashlib.sha256(self.archive.read_bytes()).hexdigest()

    def refuses(self, *members):
        digest = self.pack(("settings.json", {}), *members)
        with self.assertRaises(Refused):
            unpack(self.archive, digest, self.target, NAMES)
        self.assertEqual(list(self.target.iterdir()), [], "nothing was written")

    def test_what_was_built_is_unpacked_and_programs_stay_programs(self):
        digest = self.pack(
            ("settings.json", {}),
            ("infra/aws/cdk.out/asset.1", {"type": tarfile.DIRTYPE, "mode": 0o755}),
            ("infra/aws/cdk.out/asset.1/bootstrap", {"mode": 0o755}),
            ("site/dist/index.html", {}),
        )
        unpack(self.archive, digest, self.target, NAMES)
        self.assertEqual((self.target / "site/dist/index.html").read_bytes(), b"content")
        mode = (self.target / "infra/aws/cdk.out/asset.1/bootstrap").stat().st_mode
        self.assertTrue(mode & 0o100)

    def test_another_archive_is_refused(self):
        self.pack(("settings.json", {}))
        with self.assertRaises(Refused):
            unpack(self.archive, "0" * 64, self.target, NAMES)
        self.assertEqual(list(self.target.iterdir()), [])

    def test_paths_outside_are_refused(self):
        for name in [
            "../settings.json",
            "/etc/passwd",
            "site/dist/../../package.json",
            "infra/aws/package.json",
            "infra/aws/node_modules/aws-cdk/bin/cdk",
            "site/distant/index.html",
            ".github/workflows/deploy.yml",
            "site/dist\\..\\x",
        ]:
            with self.subTest(name):
                self.refuses((name, {}))

    def test_links_devices_and_special_permissions_are_refused(self):
        for change in [
            {"type": tarfile.SYMTYPE, "linkname": "/etc"},
            {"type": tarfile.SYMTYPE, "linkname": "index.html"},
            {"type": tarfile.LNKTYPE, "linkname": "settings.json"},
            {"type": tarfile.FIFOTYPE},
            {"type": tarfile.CHRTYPE},
            {"type": tarfile.BLKTYPE},
            {"mode": 0o4755},
        ]:
            with self.subTest(str(change)):
                self.refuses(("site/dist/x", change))

    def test_a_file_that_is_there_twice_is_refused(self):
        self.refuses(("site/dist/x", {}), ("site/dist/x", {}))


if __name__ == "__main__":
    unittest.main()
