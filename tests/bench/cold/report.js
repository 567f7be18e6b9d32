// What the figures say: medians and spreads, tables of them, and which aims they miss.

const MIB = 1024 * 1024;
const MB = 1_000_000;

export const AIMS = {
  /** Start → ready, beside the floor. */
  ready: 1.5,
  /** Start → first answer, beside Node. */
  faster: 8,
  /** Memory, beside Node. */
  smaller: 4,
  /** Bytes of the zip file. */
  zip: 4 * MB,
  /** Milliseconds of a call that are neither the table's nor the floor's: what the floor takes is Lambda's own
   *  protocol, and the noise of this harness. */
  overhead: 1,
};

/** What no change may make worse. Two aims are out of reach as long as the AWS SDK takes what it takes; the
 *  README says how far. Their limits leave room for a machine that has other things to do. */
export const LIMITS = { ...AIMS, ready: 2.5, overhead: 3.5 };

/** The value that so large a part of them stays below. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

const spread = (values) => ({
  median: quantile(values, 0.5),
  from: quantile(values, 0.25),
  to: quantile(values, 0.75),
});

/** The figures of programs, by name: times in milliseconds, sizes in bytes. */
export function summary(programs) {
  const figures = programs.map(({ name, seen, zip, hashes, instead }) => [
    name,
    {
      ready: spread(seen.ready),
      floor: spread(seen.floor).median,
      first: spread(seen.first),
      warm: { p50: quantile(seen.warm, 0.5), p99: quantile(seen.warm, 0.99) },
      overhead: { p50: quantile(seen.overhead, 0.5), p99: quantile(seen.overhead, 0.99) },
      processor: quantile(seen.processor, 0.5),
      memory: spread(seen.memory).median,
      zip,
      ...(hashes && { hashes }),
      ...(instead && { instead }),
    },
  ]);
  return Object.fromEntries(figures);
}

const times = (number) => `${number.toFixed(number < 10 ? 1 : 0)} ×`;
const spreadCell = ({ median, from, to }) => `${median.toFixed(1)} (${from.toFixed(1)}–${to.toFixed(1)})`;

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column ? "--:" : "---"))), ...rows.map(line)].join("\n");
}

/** The figures as Markdown. */
export function tables(figures, { rounds, warm }) {
  const starts = Object.entries(figures).map(([name, { ready, floor, first, memory, zip }]) => [
    name,
    spreadCell(ready),
    times(ready.median / floor),
    spreadCell(first),
    (memory / MIB).toFixed(1),
    (zip / MB).toFixed(2),
  ]);
  const { floor } = figures;
  const calls = Object.entries(figures).map(([name, { warm, overhead, processor }]) => [
    name,
    warm.p50.toFixed(2),
    warm.p99.toFixed(2),
    overhead.p50.toFixed(2),
    floor ? (overhead.p50 - floor.overhead.p50).toFixed(2) : "",
    processor.toFixed(2),
  ]);
  const beside = twins(figures).map(({ rust, node, name }) => [
    name,
    `${rust.first.median.toFixed(1)} / ${node.first.median.toFixed(1)} ms`,
    times(node.first.median / rust.first.median),
    `${(rust.memory / MIB).toFixed(1)} / ${(node.memory / MIB).toFixed(1)} MiB`,
    times(node.memory / rust.memory),
    `${rust.warm.p50.toFixed(2)} / ${node.warm.p50.toFixed(2)} ms`,
    `${rust.overhead.p50.toFixed(2)} / ${node.overhead.p50.toFixed(2)} ms`,
  ]);
  return [
    "## Starts",
    `Each program was started ${rounds} times; median (middle half), in milliseconds. Ready is when it first asks for an event; × floor is that beside the floor, which was started right before or after each of them. Memory is the most it held, zip what is uploaded.`,
    table(["program", "ready", "× floor", "first answer", "memory, MiB", "zip, MB"], starts),
    "## Calls",
    `${rounds * warm} calls of each after its first answer, in milliseconds. Of its own is what is left without the time in which the table or the mail service was at work; beyond the floor, what is left of that without what the floor takes: Lambda's own protocol and the noise of the harness. Processor is how long the program had one, whether or not the table was at work meanwhile.`,
    table(["program", "p50", "p99", "of its own, p50", "beyond the floor", "processor, p50"], calls),
    ...(beside.length
      ? [
          "## Beside Node",
          table(["Rust / Node", "first answer", "", "memory", "", "call, p50", "of its own, p50"], beside),
        ]
      : []),
    "",
  ].join("\n\n");
}

function twins(figures) {
  const pairs = Object.values(figures).filter(({ instead }) => figures[instead]);
  return pairs.map((node) => ({ name: node.instead, rust: figures[node.instead], node }));
}

/** What the figures miss of aims or limits, a line each. */
export function missed(figures, aims) {
  const { floor } = figures;
  const misses = [];
  const demand = (holds, line) => holds || misses.push(line);
  for (const [name, { ready, floor: beside, overhead, zip, hashes, instead }] of Object.entries(figures)) {
    if (instead || name === "floor") continue;
    const slower = ready.median / beside;
    demand(slower <= aims.ready, `${name} is ready after ${times(slower)} the floor's time, not ${aims.ready} ×`);
    demand(zip <= aims.zip, `${name} is ${(zip / MB).toFixed(2)} MB zipped, not ${aims.zip / MB} MB`);
    // A password's hash is meant to take its time.
    const own = overhead.p50 - (floor?.overhead.p50 ?? 0);
    demand(
      hashes || own <= aims.overhead,
      `${name} takes ${own.toFixed(2)} ms of its own beyond the floor, not ${aims.overhead} ms`,
    );
  }
  for (const { name, rust, node } of twins(figures)) {
    const faster = node.first.median / rust.first.median;
    demand(faster >= aims.faster, `${name} answers first ${times(faster)} faster than Node, not ${aims.faster} ×`);
    const smaller = node.memory / rust.memory;
    demand(smaller >= aims.smaller, `${name} takes ${times(smaller)} less memory than Node, not ${aims.smaller} ×`);
  }
  return misses;
}
