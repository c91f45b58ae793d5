/**
 * A run's part in the guard: its levels, and the stretch of time in which a tick is computed or folded.
 */
import { type GuardLevels, promiseMade, Running } from '../../base/ambient.ts';
import { onPromise } from '../../base/platform.ts';
import type { TickPlace } from '../../base/tick-error.ts';
import { installGuard } from './install.ts';

/** Watches the ticks of one engine. */
export class Watch {
  private readonly levels: GuardLevels;
  private readonly isOn: boolean;
  private readonly seesPromises: boolean;
  private stop: (() => void) | null = null;
  private held = false;

  constructor(levels: GuardLevels) {
    this.levels = levels;
    this.isOn = Object.values(levels).some((level) => level !== 'off');
    this.seesPromises = levels.async !== 'off';
    if (this.isOn) installGuard();
  }

  /** Code of a tick, for {@link ambient}. */
  running(place: () => TickPlace): Running {
    return new Running(this.levels, place);
  }

  /** A tick begins: promises are seen from now on, as they can't be wrapped. */
  begin(): void {
    if (this.isOn) installGuard();
    if (this.seesPromises && this.stop === null) this.stop = onPromise(promiseMade);
  }

  /** It ends; other code of the process makes its promises at no cost, unless more ticks follow at once. */
  end(): void {
    if (!this.held) this.release();
  }

  /** Ticks follow on one another: to turn the hook off and on between them costs what a short system does. */
  hold(): void {
    this.held = true;
  }

  /** Something is waited for. */
  release(): void {
    this.held = false;
    this.stop?.();
    this.stop = null;
  }
}
