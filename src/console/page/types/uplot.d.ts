/** What the page uses of uPlot. */

export default class uPlot {
  constructor(options: unknown, data: unknown, place: unknown);
  setData(data: unknown): void;
  destroy(): void;
}
