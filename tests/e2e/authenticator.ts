// What people sign in with beside the password, for tests in a browser and over the wire: the codes of an
// authenticator app, and a device that holds one passkey. It stands on nothing but Node, as `people.ts`.
import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of an authenticator app (RFC 6238), `steps` half minutes from now. */
export function codeOf(secret: string, steps = 0): string {
  const bits = [...secret.replace(/\s/g, "")].map((c) => BASE_32.indexOf(c).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac("sha1", Buffer.from(bytes.map((byte) => parseInt(byte, 2))))
    .update(counter)
    .digest();
  const from = (digest[19] ?? 0) & 15;
  return String((digest.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Waits for the next half minute where this one is about to end: the code before it is taken for as long as it lasts. */
export async function timeLeft(): Promise<void> {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5_000) await new Promise((resolve) => setTimeout(resolve, left));
}

/** What a page asks a browser for: the members that a device looks at. */
interface Options {
  publicKey: { challenge: string; rp?: { id: string }; rpId?: string; user?: { id: string } };
}

/** A device that holds one passkey (WebAuthn, ES256, no attestation) and verifies its person. */
export class Passkey {
  private readonly id = randomBytes(32);
  private readonly keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  private handle = "";

  constructor(private readonly origin: string) {}

  /** Makes the passkey that a page asks for. */
  create({ publicKey }: Options): object {
    this.handle = publicKey.user?.id ?? "";
    const { x = "", y = "" } = this.keys.publicKey.export({ format: "jwk" });
    // A COSE key in CBOR: EC2, ES256, P-256, x, y.
    const cose = Buffer.concat([
      Buffer.from([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]),
      Buffer.from(x, "base64url"),
      Buffer.from([0x22, 0x58, 32]),
      Buffer.from(y, "base64url"),
    ]);
    const data = Buffer.concat([
      this.data(publicKey.rp?.id, 0x40),
      Buffer.alloc(16),
      Buffer.from([0, this.id.length]),
      this.id,
      cose,
    ]);
    const attestation = Buffer.concat([
      Buffer.from("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", "latin1"),
      Buffer.from([data.length]),
      data,
    ]);
    return this.answer({
      clientDataJSON: this.said("webauthn.create", publicKey.challenge).toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    });
  }

  /** Signs what a page asks. */
  get({ publicKey }: Options): object {
    const said = this.said("webauthn.get", publicKey.challenge);
    const data = this.data(publicKey.rpId, 0);
    const signed = Buffer.concat([data, createHash("sha256").update(said).digest()]);
    return this.answer({
      clientDataJSON: said.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: sign("sha256", signed, this.keys.privateKey).toString("base64url"),
      userHandle: this.handle,
    });
  }

  private said(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  /** The person is there (1) and was verified (4); the key can be kept elsewhere (8), and is (16). */
  private data(party = "", more: number): Buffer {
    const digest = createHash("sha256").update(party).digest();
    return Buffer.concat([digest, Buffer.from([1 | 4 | 8 | 16 | more, 0, 0, 0, 0])]);
  }

  private answer(response: object): object {
    const id = this.id.toString("base64url");
    return { id, rawId: id, type: "public-key", clientExtensionResults: {}, response };
  }
}
