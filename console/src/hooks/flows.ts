// SPDX-License-Identifier: Apache-2.0
/*
 * The flow events of this page: history once, then the stream for as long as somebody looks. Events arrive faster than a
 * screen can change, so listeners hear of them once a frame.
 */
import { useEffect, useState } from "preact/hooks";
import { api, openFlowStream, sentence, type FlowStream } from "../api";
import { Ring } from "../logic/ring";
import type { Exact, FlowEvent } from "../types";

export const KEPT = 50_000;
const HISTORY = 8192;
const WAITS_MS = [500, 1000, 2000, 5000, 10_000];
const LINGER_MS = 4000;

export type LiveState = "idle" | "connecting" | "live" | "reconnecting";

class FlowFeed {
  readonly ring = new Ring<FlowEvent>(KEPT);
  state: LiveState = "idle";
  problem: string | null = null;
  lost = 0n;
  loaded = false;

  private last: Exact = 0;
  private users = 0;
  private attempt = 0;
  private stream: FlowStream | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;
  private life = 0;
  private frames = new Set<() => void>();
  private arrivals = new Set<(event: FlowEvent) => void>();

  /** Hears, at most once a frame, that something changed. */
  onFrame(listener: () => void): () => void {
    this.frames.add(listener);
    this.enter();
    return () => {
      this.frames.delete(listener);
      this.leave();
    };
  }

  /** Hears every new event, not the history. */
  onArrival(listener: (event: FlowEvent) => void): () => void {
    this.arrivals.add(listener);
    return () => this.arrivals.delete(listener);
  }

  /** Forgets everything: another person may sign in. */
  reset(): void {
    this.stop();
    this.ring.clear();
    this.last = 0;
    this.lost = 0n;
    this.loaded = false;
    this.state = "idle";
    this.problem = null;
  }

  private enter(): void {
    this.users++;
    clearTimeout(this.timer);
    if (!this.stream) void this.start();
  }

  private leave(): void {
    if (--this.users > 0) return;
    this.timer = setTimeout(() => this.stop(), LINGER_MS);
  }

  private stop(): void {
    this.life++;
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = null;
    this.state = "idle";
  }

  private async start(): Promise<void> {
    const life = ++this.life;
    this.state = this.attempt ? "reconnecting" : "connecting";
    this.touch();
    try {
      if (!this.loaded) {
        const history = await api.flows(`latest=${HISTORY}`);
        if (life !== this.life) return;
        for (const event of history.events) this.ring.push(event);
        this.last = history.next;
        this.lost = BigInt(history.lost);
        this.loaded = true;
        this.touch();
      } else if (this.attempt) {
        await api.flows("latest=1"); // a stream that ends does not say why; this does
      }
    } catch (error) {
      if (life === this.life) this.retry(sentence(error));
      return;
    }
    if (life === this.life) this.open(life);
  }

  private open(life: number): void {
    this.stream = openFlowStream(this.last, {
      open: () => {
        this.attempt = 0;
        this.problem = null;
        this.state = "live";
        this.touch();
      },
      event: (event) => {
        // A serial that does not rise: core began anew, and so do its serials.
        this.last = event.serial;
        this.ring.push(event);
        for (const listener of this.arrivals) listener(event);
        this.touch();
      },
      lost: (count) => {
        this.lost += BigInt(count);
        this.touch();
      },
      fail: () => {
        if (life === this.life) this.retry("The live stream broke off.");
      },
    });
  }

  private retry(problem: string): void {
    this.stream = null;
    this.state = "reconnecting";
    this.problem = problem;
    this.touch();
    const wait = WAITS_MS[Math.min(this.attempt, WAITS_MS.length - 1)] ?? 0;
    this.attempt++;
    this.timer = setTimeout(() => void this.start(), wait);
  }

  private touch(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const listener of [...this.frames]) listener();
    });
  }
}

export const feed = new FlowFeed();

/** Draws the component again when there is something new. */
export function useFlowFeed(): FlowFeed {
  const [, draw] = useState(0);
  useEffect(() => feed.onFrame(() => draw((n) => n + 1)), []);
  return feed;
}
