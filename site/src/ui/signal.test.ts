import { options, type Component, type VNode } from "preact";
import { expect, it, vi } from "vitest";
import { computed, signal } from "./signal";

const hooks = options as typeof options & { __r: (vnode: VNode) => void };

/** A component as Preact announces one: drawn by reading something, redrawn through its state. */
function component(read: () => unknown) {
  const setState = vi.fn();
  const vnode = { __c: { setState } as unknown as Component } as unknown as VNode;
  const draw = () => {
    hooks.__r(vnode);
    read();
    options.diffed?.(vnode);
  };
  draw();
  return { setState, draw, remove: () => options.unmount?.(vnode) };
}

it("redraws a component that read the value while it was drawn, once for each drawing", () => {
  const name = signal("Ana");
  const page = component(() => name.value);
  name.value = "Bo";
  name.value = "Cy";
  expect(page.setState).toHaveBeenCalledTimes(1);
  page.draw();
  name.value = "Dee";
  expect(page.setState).toHaveBeenCalledTimes(2);
});

it("leaves alone whoever only peeked, reads outside of a drawing, hears the same value, or is gone", () => {
  const name = signal("Ana");
  const peeking = component(() => name.peek());
  const gone = component(() => name.value);
  const there = component(() => name.value);
  gone.remove();
  expect(name.value).toBe("Ana");
  name.value = "Ana";
  expect(there.setState).not.toHaveBeenCalled();
  name.value = "Bo";
  expect(there.setState).toHaveBeenCalledTimes(1);
  expect(peeking.setState).not.toHaveBeenCalled();
  expect(gone.setState).not.toHaveBeenCalled();
});

it("follows what a computed value is worked out from", () => {
  const [first, last] = [signal("Ana"), signal("Silva")];
  const name = computed(() => `${first.value} ${last.value}`);
  const page = component(() => name.value);
  last.value = "Lima";
  expect(page.setState).toHaveBeenCalledTimes(1);
  expect(name.value).toBe("Ana Lima");
});
