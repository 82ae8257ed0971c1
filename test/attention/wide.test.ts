import { describeFamily } from './family-tests.js';

// What suits a GPU takes a CPU thrice as long.
describeFamily('wide', 2);
