const GAP = 12;
const RATIO = 16 / 9;
/** Below this width a face is too small: the grid scrolls instead. */
const LEAST_TILE_WIDTH = 150;

/** Keeps the tiles of `grid` as large as its area allows. */
export class Grid {
  private readonly grid: HTMLElement;

  constructor(grid: HTMLElement) {
    this.grid = grid;
    new ResizeObserver(() => this.arrange()).observe(grid);
  }

  /** One's own tile comes first; the others follow in the order in which they came. */
  add(tile: HTMLElement, own: boolean): void {
    if (own) {
      this.grid.prepend(tile);
    } else {
      this.grid.append(tile);
    }
    this.arrange();
  }

  /** A tile that stands elsewhere stays there. */
  remove(tile: HTMLElement): void {
    if (tile.parentElement === this.grid) {
      tile.remove();
      this.arrange();
    }
  }

  isEmpty(): boolean {
    return this.grid.childElementCount === 0;
  }

  private arrange(): void {
    const { clientWidth, clientHeight } = this.grid;
    const count = this.grid.childElementCount;
    if (count === 0 || clientWidth === 0) {
      return;
    }
    this.grid.style.setProperty('--tile-width', `${tileWidth(count, clientWidth, clientHeight)}px`);
  }
}

/** The widest tile with which `count` tiles fit, in whole pixels. */
export function tileWidth(count: number, width: number, height: number): number {
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - GAP * (columns - 1)) / columns;
    const byHeight = ((height - GAP * (rows - 1)) / rows) * RATIO;
    best = Math.max(best, Math.min(byWidth, byHeight));
  }
  return Math.floor(Math.max(best, Math.min(LEAST_TILE_WIDTH, width)));
}
