import { start } from './playground.js';

void start();
