// The built functions, as Lambda would run them. Lambda takes any file named `bootstrap`, and a deployment of files
// that it cannot run succeeds: so each is read before it becomes part of a stack.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./settings.ts";

/** `e_machine` of an ELF header, by the stack's architecture. */
export const MACHINES: Record<Settings["architecture"], number> = { arm64: 0xb7, x86_64: 0x3e };

/** Sizes of the headers of 64-bit ELF. */
const HEADER = 64;
const PROGRAM_HEADER = 56;
const [EXECUTABLE, SHARED] = [2, 3];
const LOADED = 1;

/** Throws with every function whose program Lambda could not run, each with its file and what is wrong with it. */
export function checkBinaries(folder: string, functions: string[], architecture: Settings["architecture"]): void {
  const wrong = functions.flatMap((name) => {
    const file = join(folder, name, "bootstrap");
    const why = fault(file, architecture);
    return why ? [`${file}: ${why}`] : [];
  });
  if (!wrong.length) return;
  throw new Error(
    [
      "Lambda could not run these functions:",
      ...wrong.map((line) => `  ${line}`),
      `To build them: make binaries ARCHITECTURE=${architecture}`,
    ].join("\n"),
  );
}

/** What is wrong with a program. */
export function fault(file: string, architecture: Settings["architecture"]): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, "r");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "is not there" : (error as Error).message;
  }
  try {
    const { size, mode } = fstatSync(opened);
    const at = (position: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(opened, bytes, 0, length, position));
    };
    const head = at(0, HEADER);
    if (head.length < HEADER || head.toString("latin1", 0, 4) !== "\x7fELF")
      return `is no program for Linux, but ${size} bytes of something else`;
    const [bits, order] = [head[4], head[5]];
    if (bits !== 2 || order !== 1) return "is no program of 64 bits, the lowest byte first";
    const machine = head.readUInt16LE(18);
    if (machine !== MACHINES[architecture]) {
      const built = Object.entries(MACHINES).find(([, number]) => number === machine)?.[0] ?? `machine ${machine}`;
      return `is built for ${built}, and the stack's functions run on ${architecture}`;
    }
    if (![EXECUTABLE, SHARED].includes(head.readUInt16LE(16))) return "is no program that can be started";
    const [offset, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(56)];
    const programs = at(offset, count * PROGRAM_HEADER);
    let end = offset + count * PROGRAM_HEADER;
    for (let one = 0; one + PROGRAM_HEADER <= programs.length; one += PROGRAM_HEADER) {
      if (programs.readUInt32LE(one) !== LOADED) continue;
      end = Math.max(end, Number(programs.readBigUInt64LE(one + 8) + programs.readBigUInt64LE(one + 32)));
    }
    if (!count || end > size) return `is cut off: ${size} bytes of ${end}`;
    // Lambda runs it as another user than the one that owns it there.
    if ((mode & 0o005) !== 0o005)
      return `may not be run by everybody (mode ${(mode & 0o777).toString(8)}): chmod 755`;
    return undefined;
  } finally {
    closeSync(opened);
  }
}
