// The structures' page starts here. The owner's page never loads what it loads.

import { structureDetour, structureRoutes, structureTabs } from './routes/structure';
import { startPage } from './lib/page';
import { takeFragment } from './lib/router.svelte';
import { vault } from './lib/vault.svelte';
import { alsoSay } from './lib/words.svelte';
import { connect } from './worker/structure';

const settleSeconds = 4;
/** While another window is in front: somebody may wait to be let in. */
const hiddenSettleSeconds = 60;

/** The link may also be opened in a tab where this page already is. */
function takeInvitation(): void {
  vault.invitation = takeFragment('join') ?? vault.invitation;
}
takeInvitation();
addEventListener('hashchange', takeInvitation);
void alsoSay({
  fr: () => import('../messages/desk.fr.ftl?raw'),
  en: () => import('../messages/desk.en.ftl?raw'),
  ar: () => import('../messages/desk.ar.ftl?raw'),
});
vault.onStructurePage = true;
vault.home = 'received';

/** While the page is open it does what waits for it: certifies newcomers, lets devices in, follows commits. */
async function keepSettling(): Promise<void> {
  let settled = 0;
  for (;;) {
    const due = !document.hidden || Date.now() - settled >= hiddenSettleSeconds * 1000;
    if (vault.view && vault.structure && due) {
      await vault.settle();
      settled = Date.now();
    }
    await new Promise((settle) => setTimeout(settle, settleSeconds * 1000));
  }
}

void startPage({ routes: structureRoutes, tabs: structureTabs, detour: structureDetour }, async () => {
  const { safe, desk } = connect();
  await vault.connect(safe, desk);
  void keepSettling();
});
