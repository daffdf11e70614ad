// The main story in French: the owner with a phone, the workers at their desks.

import { findsNothing } from '../scan.mjs';
import { journey } from '../stage.mjs';
import { tellStory } from '../story.mjs';

const names = {
  photo: 'Carte de séjour', other: 'Bail', pdf: 'Contrat', renamed: 'Vieux bail', owner: 'Aminata', purpose: 'Logement',
  manager: 'Claire', worker: 'Karim', structure: 'Accueil de jour Les Tilleuls', place: 'Roubaix',
};

journey('a paper is kept, given and taken back, in French', { name: 'french', record: true }, async (stage) => {
  const canaries = await tellStory(stage, 'fr', names);
  findsNothing(stage, canaries, { name: names.structure });
});
