/**
 * A fuse: how a schedule makes the world of a run throw, once and where it is told to.
 */
import type { FusePlace } from './simulate-world.ts';

/** Blows once where it is armed; all runs of one world object share it. */
export class SeededFuse {
  private at: { readonly place: FusePlace; readonly tick: number } | null = null;
  /** The last tick that anybody computed or folded: what is folded again must not blow. */
  private last = -1;
  /** How often it blew, without those that were asked for. */
  private blown = 0;
  /** Inputs that it refused by blowing in their handler, and of those the ones that nobody heard of yet. */
  blownInputs = 0;
  refused = 0;

  /** Sets it, for so many ticks after the last that anybody computed. */
  arm(place: FusePlace, ticks: number): void {
    this.at = { place, tick: this.last + ticks };
  }

  /** A tick was computed before. */
  passed(tick: number): void {
    this.last = Math.max(this.last, tick);
  }

  /** Whether it blew, once more than was asked. */
  hasBlown(): boolean {
    if (this.blown === 0) return false;
    this.blown--;
    return true;
  }

  /** What the world calls. */
  readonly pass = (place: FusePlace, tick: number): void => {
    this.passed(tick);
    if (this.at === null || this.at.place !== place || this.at.tick !== tick) return;
    this.at = null;
    if (place === 'apply given') {
      this.blownInputs++;
      this.refused++;
    } else this.blown++;
    throw new BlownFuse();
  };
}

/** What a blown fuse throws: an error of the user's, unknown to worldfold. */
class BlownFuse extends Error {
  override readonly message = 'the fuse blew';
}
