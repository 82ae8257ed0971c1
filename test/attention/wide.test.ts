import { describeBuffers } from './buffers-tests.js';
import { describeExtremes } from './extreme-tests.js';
import { describeFamily } from './family-tests.js';
import { describeMeaning } from './meaning-tests.js';

// What suits a GPU takes a CPU thrice as long.
describeFamily('wide', [0, 1]);
describeMeaning('wide');
describeBuffers('wide');
describeExtremes('wide');
