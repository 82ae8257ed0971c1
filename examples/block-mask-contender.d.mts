import type { Contender } from '../bench/contender.js';

declare const contender: Contender;
export default contender;
