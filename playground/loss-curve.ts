import { type Html, html } from '../src/report/page/html.js';
import { short } from '../src/report/page/numbers.js';

/** A training loss after some steps. */
export interface Loss {
  step: number;
  loss: number;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [400, 150, 44, 22];

/** The training loss over steps as a picture. @param totalSteps Where the axis ends. */
export function lossCurve(losses: readonly Loss[], totalSteps: number): Html {
  const most = Math.max(...losses.map(({ loss }) => loss));
  const x = (step: number) => LEFT + ((WIDTH - LEFT - 8) * step) / totalSteps;
  const y = (loss: number) => 12 + (HEIGHT - BOTTOM - 12) * (1 - loss / most);
  const points = losses.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`);
  const last = losses[losses.length - 1];
  return html`<figure><h4>Training loss: ${short(last.loss)} after ${last.step} steps</h4>
<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Training loss over steps: ${short(losses[0].loss)} at first, ${short(last.loss)} after ${last.step} steps">
<path d="M${LEFT} 12V${HEIGHT - BOTTOM}H${WIDTH - 8}" fill="none" stroke="var(--quiet)"/>
<text class="axis" x="${LEFT - 4}" y="16" text-anchor="end">${short(most)}</text><text class="axis" x="${LEFT - 4}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
<text class="axis" x="${WIDTH - 8}" y="${HEIGHT - 6}" text-anchor="end">${totalSteps} steps</text>
<polyline points="${points.join(' ')}" fill="none" stroke="var(--series-1)" stroke-width="2"/>
</svg></figure>`;
}
