"""Packs a release, so that the same commit makes the same bytes wherever and whenever it is packed.

    pack.py release VERSION ARCHITECTURE OUT    what `npm run ops -- up` needs, and every function as a zip file
    pack.py sbom VERSION OUT                    what Latchkey is made of, as CycloneDX
    pack.py sums OUT                            SHA-256 of every file there

From the root of the project, with functions in target/lambda and pages in site/dist. Members are sorted, belong to
nobody, and have one date and one of two modes; no compressor notes a name or the time.
"""

import base64
import gzip
import hashlib
import io
import json
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the app and the commands read beside themselves.
PARTS = [
    "CHANGELOG.md",
    "LICENSE",
    "infra/aws",
    "infra/headers.json",
    "shared/keys.json",
    "shared/openapi.json",
    "site/dist",
    "target/lambda",
]
LEFT_OUT = {"node_modules", "cdk.out", "settings.json", "test", "vitest.config.ts"}
# The first moment that a zip file can name.
EPOCH = (1980, 1, 1, 0, 0, 0)


class Missing(Exception):
    """What a release cannot be packed without."""


def files(root: Path, part: str) -> list[Path]:
    at = root / part
    if at.is_file():
        return [at]
    found = sorted(one for one in at.rglob("*") if one.is_file() and not LEFT_OUT & set(one.relative_to(root).parts))
    if not found:
        raise Missing(f"{part} is not there, or empty")
    return found


def programs(root: Path) -> list[Path]:
    return [one for one in files(root, "target/lambda") if one.name == "bootstrap"]


def is_program(path: Path) -> bool:
    return path.name == "bootstrap"


def tar(members: list[tuple[str, bytes, bool]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for name, content, program in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o755 if program else 0o644
            packed.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(program: bytes) -> bytes:
    """A function as Lambda takes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        member = zipfile.ZipInfo("bootstrap", EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.create_system = 3
        member.external_attr = 0o100755 << 16
        packed.writestr(member, program)
    return out.getvalue()


def release(root: Path, version: str, architecture: str, out: Path) -> None:
    name = f"latchkey-{version}-{architecture}"
    members = []
    for part in PARTS:
        for file in programs(root) if part == "target/lambda" else files(root, part):
            members.append((f"{name}/{file.relative_to(root).as_posix()}", file.read_bytes(), is_program(file)))
    functions = [(f"{name}-functions/{one.parent.name}.zip", zipped(one.read_bytes()), False) for one in programs(root)]
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.tar.gz").write_bytes(gzip.compress(tar(members), 9, mtime=0))
    (out / f"{name}-functions.tar").write_bytes(tar(functions))


def crates(root: Path) -> list[dict]:
    locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
    return [
        {
            "type": "library",
            "name": one["name"],
            "version": one["version"],
            "purl": f"pkg:cargo/{one['name']}@{one['version']}",
            "hashes": [{"alg": "SHA-256", "content": one["checksum"]}],
        }
        for one in locked
        # Those without a checksum are Latchkey's own.
        if "checksum" in one
    ]


def packages(root: Path, project: str) -> list[dict]:
    locked = json.loads((root / project / "package-lock.json").read_text())["packages"]
    found = []
    for path, one in locked.items():
        if not path or one.get("dev") or one.get("link"):
            continue
        name = path.split("node_modules/")[-1]
        component = {
            "type": "library",
            "name": name,
            "version": one["version"],
            "purl": f"pkg:npm/{name.replace('@', '%40')}@{one['version']}",
        }
        algorithm, _, digest = one.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        found.append(component)
    return found


def bill(root: Path, version: str) -> dict:
    everything = {one["purl"]: one for one in crates(root)}
    for project in ("site", "infra/aws"):
        everything.update((one["purl"], one) for one in packages(root, project))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"latchkey@{version}",
                "name": "latchkey",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": [{"bom-ref": purl, **one} for purl, one in sorted(everything.items())],
    }


def sums(out: Path) -> None:
    named = sorted(one for one in out.iterdir() if one.is_file() and one.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in named]
    (out / "SHA256SUMS").write_text("".join(lines))


def main(words: list[str]) -> None:
    match words:
        case ["release", version, architecture, out]:
            release(ROOT, version, architecture, Path(out))
        case ["sbom", version, out]:
            text = json.dumps(bill(ROOT, version), indent=2)
            Path(out).mkdir(parents=True, exist_ok=True)
            (Path(out) / f"latchkey-{version}.cdx.json").write_text(f"{text}\n")
        case ["sums", out]:
            sums(Path(out))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Missing as missing:
        sys.exit(f"cannot be packed: {missing}")
