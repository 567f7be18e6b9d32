// A file's bytes as text, whatever program wrote them.

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

const MARKS: [Encoding, number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/** Bytes that are looked at to tell UTF-16 without a mark: every second one of Western text is zero there. */
const LOOKED_AT = 1000;

function encodingOf(bytes: Uint8Array): Encoding {
  const marked = MARKS.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte));
  if (marked) return marked[0];
  const zeros = [0, 0];
  bytes.subarray(0, LOOKED_AT).forEach((byte, at) => byte === 0 && zeros[at % 2]!++);
  const many = Math.min(bytes.length, LOOKED_AT) / 4;
  if (zeros[1]! > many) return "utf-16le";
  if (zeros[0]! > many) return "utf-16be";
  return "utf-8";
}

/** The text without its mark. What is no UTF-8 is what Windows programs write in the West. */
export function decode(bytes: Uint8Array): { text: string; encoding: Encoding } {
  const encoding = encodingOf(bytes);
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding };
  } catch {
    const other = encoding === "utf-8" ? "windows-1252" : encoding;
    return { text: new TextDecoder(other).decode(bytes), encoding: other };
  }
}
