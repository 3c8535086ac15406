// The settings of each agent, and who has the say in each.
import { byId, element } from './dom.js';
import { count, many } from './format.js';

/**
 * @typedef {import('../view.ts').AgentView} AgentView
 * @typedef {import('../view.ts').SettingView} SettingView
 */

const FROM = { option: 'set in code', variable: 'variable', default: 'default' };

/** @param {readonly AgentView[]} agents */
export function drawSettings(agents) {
  const parts = agents.flatMap(({ name, count: alike, settings }) => {
    const own = settings.filter(({ from }) => from !== 'default');
    const title = alike > 1 ? `${count(alike)} agents for ${name}` : `An agent for ${name}`;
    return [
      element('h3', {}, title),
      own.length === 0 ? element('p', {}, 'All settings have their defaults.') : table(own, `${title}: set`),
      element(
        'details',
        {},
        element('summary', {}, `${many(settings.length - own.length, 'default')}`),
        table(
          settings.filter(({ from }) => from === 'default'),
          `${title}: defaults`,
        ),
      ),
    ];
  });
  byId('settings').replaceChildren(...parts);
}

/**
 * @param {readonly SettingView[]} settings
 * @param {string} label
 */
function table(settings, label) {
  const rows = settings.map(({ name, value, from, variable }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      element('td', {}, value ?? 'none'),
      element('td', {}, from === 'variable' && variable !== null ? variable : FROM[from]),
    ),
  );
  const heads = ['Option', 'Value (durations in ms)', 'From'].map((name) =>
    element('th', { scope: 'col' }, name),
  );
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      { 'aria-label': label },
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...rows),
    ),
  );
}
