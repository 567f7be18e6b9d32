"""Unpacks the deployment that the job `build` made, for the job that may deploy.

    unpack.py deployment.tar SHA256 FOLDER NAME...

The archive is refused whole, before anything is written, unless its digest is the one that `build` told
and every member is an ordinary file or folder, by a plain relative path, at or below one of the names.
"""

import hashlib
import hmac
import io
import sys
import tarfile
from pathlib import Path, PurePosixPath


class Refused(Exception):
    """Why nothing was unpacked."""


def check(member: tarfile.TarInfo, names: list[str]) -> None:
    path = PurePosixPath(member.name)
    if not (member.isreg() or member.isdir()):
        raise Refused(f"{member.name!r} is no ordinary file or folder")
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        raise Refused(f"{member.name!r} leads out of the folder")
    if not any(path == PurePosixPath(name) or PurePosixPath(name) in path.parents for name in names):
        raise Refused(f"{member.name!r} is no part of a deployment")
    if member.mode & 0o7000:
        raise Refused(f"{member.name!r} has special permissions")


def unpack(archive: Path, digest: str, folder: Path, names: list[str]) -> None:
    # Read once: what is unpacked is what was judged.
    content = archive.read_bytes()
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), digest):
        raise Refused("the archive is not the one that was built")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        members = tar.getmembers()
        seen: set[PurePosixPath] = set()
        for member in members:
            check(member, names)
            path = PurePosixPath(member.name)
            if member.isreg() and path in seen:
                raise Refused(f"{member.name!r} is there twice")
            seen.add(path)
        # The filter refuses once more what leads out, links and devices (PEP 706).
        tar.extractall(folder, members=members, filter="data")


if __name__ == "__main__":
    try:
        unpack(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    except (Refused, tarfile.TarError) as refused:
        sys.exit(f"refused: {refused}")
