// A text as a picture that a camera reads (ISO/IEC 18004). It comes with its library: where few need it, lazily.
import { correction, generate } from "lean-qr";
import { toSvgPath } from "lean-qr/extras/svg";
import { useMemo } from "preact/hooks";

/** The light border that the standard asks for, in modules. */
const QUIET = 4;

/** Black on white, whatever the page is: the style `svg` around it sees to the ground. */
export function Qr({ of, label }: { of: string; label: string }) {
  const code = useMemo(() => generate(of, { minCorrectionLevel: correction.M }), [of]);
  const size = code.size + 2 * QUIET;
  return (
    <svg class="qr" viewBox={`${-QUIET} ${-QUIET} ${size} ${size}`} role="img" aria-label={label}>
      <path d={toSvgPath(code)} />
    </svg>
  );
}
