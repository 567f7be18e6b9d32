// Values that pages follow: a component that reads `value` while it is drawn is drawn again when it
// changes. Stands in for @preact/signals, of which the pages used this much and whose other nine tenths
// were a sixth of the portal's code.
import { options, type Component, type VNode } from "preact";

/** Preact's hooks for devtools and signals; its types leave out the one before a component is drawn. */
type Hooks = typeof options & { __r?: (vnode: VNode) => void };
type Drawn = VNode & { __c?: Component };

/** The component that is being drawn. */
let drawing: Component | undefined;
/** What each component on the page has read. */
const reads = new WeakMap<Component, Set<Set<Component>>>();

const hooks = options as Hooks;
const { __r: beforeDrawing, diffed: afterDrawing, unmount: onUnmount } = hooks;
hooks.__r = (vnode) => {
  beforeDrawing?.(vnode);
  drawing = (vnode as Drawn).__c;
};
hooks.diffed = (vnode) => {
  drawing = undefined;
  afterDrawing?.(vnode);
};
hooks.unmount = (vnode) => {
  const { __c: component } = vnode as Drawn;
  if (component) reads.get(component)?.forEach((readers) => readers.delete(component));
  onUnmount?.(vnode);
};

export class Signal<T> {
  #value: T;
  readonly #readers = new Set<Component>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    if (drawing) {
      this.#readers.add(drawing);
      const read = reads.get(drawing);
      if (read) read.add(this.#readers);
      else reads.set(drawing, new Set([this.#readers]));
    }
    return this.#value;
  }

  set value(value: T) {
    if (value === this.#value) return;
    this.#value = value;
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const component of readers) component.setState({});
  }

  /** The value, without following it. */
  peek(): T {
    return this.#value;
  }
}

export const signal = <T>(value: T): Signal<T> => new Signal(value);

/** Worked out on each reading; what it reads is followed. */
export const computed = <T>(work: () => T): { readonly value: T } => ({
  get value() {
    return work();
  },
});
