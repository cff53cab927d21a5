type Listener = (...values: never[]) => void;

/** The part of node's EventEmitter that a handle needs: listeners of events that carry nothing. */
export class Listeners {
  readonly #byEvent = new Map<string, { readonly listener: Listener; readonly once: boolean }[]>();

  on(event: string, listener: Listener): this {
    return this.#add(event, listener, false);
  }

  addListener(event: string, listener: Listener): this {
    return this.#add(event, listener, false);
  }

  once(event: string, listener: Listener): this {
    return this.#add(event, listener, true);
  }

  off(event: string, listener: Listener): this {
    const list = this.#byEvent.get(event) ?? [];
    const index = list.findLastIndex((entry) => entry.listener === listener);
    if (index !== -1) this.#byEvent.set(event, list.toSpliced(index, 1));
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener);
  }

  emit(event: string): boolean {
    const list = this.#byEvent.get(event) ?? [];
    this.#byEvent.set(
      event,
      list.filter(({ once }) => !once),
    );
    for (const { listener } of list) listener();
    return list.length > 0;
  }

  #add(event: string, listener: Listener, once: boolean): this {
    this.#byEvent.set(event, [...(this.#byEvent.get(event) ?? []), { listener, once }]);
    return this;
  }
}
