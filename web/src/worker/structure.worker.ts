import init, { Client } from '../wasm/structure/client';
import { serve } from './vault.worker';

serve(init().then(() => Client as never));
