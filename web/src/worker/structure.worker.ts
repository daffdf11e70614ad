import init, { Client } from '../wasm/structure/client';
import { deskOf } from './desk';
import { serve } from './vault.worker';

serve(init().then(() => Client as never), deskOf);
