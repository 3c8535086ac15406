// What the preload does, in a Node.js that is new enough.
import { install } from './install.ts';

install();
