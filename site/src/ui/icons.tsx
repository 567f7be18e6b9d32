// Line drawings; all are decoration beside words or inside a labelled button.
const drawing =
  (path: string, size = 20) =>
  () => (
    <svg class="icon" viewBox="0 0 20 20" width={size} height={size} aria-hidden="true">
      <path d={path} />
    </svg>
  );

export const Anchor = drawing("M10 2v14M6.7 4.8h6.6M3 10.5C3 14 6 16.2 10 16.2s7-2.2 7-5.7", 22);
export const Cross = drawing("M6.5 6.5l7 7m0-7l-7 7");

export const Dots = () => (
  <svg class="dots" viewBox="0 0 20 20" width={20} height={20} aria-hidden="true">
    <rect x="8.3" y="3.3" width="3.4" height="3.4" rx=".6" />
    <rect x="8.3" y="8.3" width="3.4" height="3.4" rx=".6" />
    <rect x="8.3" y="13.3" width="3.4" height="3.4" rx=".6" />
  </svg>
);
