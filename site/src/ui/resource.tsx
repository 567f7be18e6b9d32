// Something the page needs before it can show itself: loading, failed with a way to try again, or there.
import { signal } from "./signal";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api/http";
import { t } from "../messages/shared";
import { FailureNote } from "./failure";

type State<T> = { at: "loading" } | { at: "failed"; failure: Failure } | { at: "ready"; value: T };

export class Resource<T> {
  readonly state = signal<State<T>>({ at: "loading" });
  #load: (signal: AbortSignal) => Promise<T>;
  #current: AbortController | undefined;

  constructor(load: (signal: AbortSignal) => Promise<T>) {
    this.#load = load;
  }

  /** Ask, giving up whatever was asked before. What is shown stays until the answer is there, and also when
   *  none comes: a form may lie over it. Answers whether one came. */
  async load(): Promise<boolean> {
    this.close();
    const controller = (this.#current = new AbortController());
    if (this.state.peek().at === "failed") this.state.value = { at: "loading" };
    try {
      const value = await this.#load(controller.signal);
      if (controller.signal.aborted) return false;
      this.set(value);
      return true;
    } catch (thrown) {
      if (controller.signal.aborted) return false;
      if (!(thrown instanceof Failure)) throw thrown;
      if (this.state.peek().at !== "ready") this.state.value = { at: "failed", failure: thrown };
      return false;
    }
  }

  /** Ask unless that was done already. */
  ensure(): void {
    if (!this.#current) void this.load();
  }

  get value(): T | undefined {
    return this.state.value.at === "ready" ? this.state.value.value : undefined;
  }

  /** Take what a change answered, without asking again. */
  set(value: T): void {
    this.state.value = { at: "ready", value };
  }

  close(): void {
    this.#current?.abort();
  }
}

/** A resource that lives as long as the component and is loaded at once. */
export function useResource<T>(load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [resource] = useState(() => new Resource(load));
  useEffect(() => {
    void resource.load();
    return () => resource.close();
  }, [resource]);
  return resource;
}

export function Loaded<T>(props: {
  of: Resource<T>;
  /** How many grey lines stand in while loading. */
  lines?: number;
  children: (value: T) => ComponentChildren;
}) {
  const state = props.of.state.value;
  if (state.at === "ready") return <>{props.children(state.value)}</>;
  if (state.at === "failed")
    return <FailureNote failure={state.failure} onRetry={() => void props.of.load()} />;
  return <Skeleton lines={props.lines ?? 3} />;
}

/** Grey lines in place of what is coming; style shows them only after 150 ms, so that a quick answer never flickers. */
export function Skeleton({ lines }: { lines: number }) {
  return (
    <div class="skeleton" aria-busy="true">
      <p class="sr-only">{t("load.wait")}</p>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}
