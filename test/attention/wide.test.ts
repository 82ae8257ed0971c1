import { describeFamily } from './family-tests.js';

describeFamily('wide');
