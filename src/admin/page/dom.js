// Elements, and changes of those only that differ: what is written again has to be laid out again.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * @param {Element} where
 * @param {string} text
 */
export function write(where, text) {
  const { firstChild } = where;
  if (!(firstChild instanceof Text)) where.textContent = text;
  else if (firstChild.data !== text) firstChild.data = text;
}

/**
 * @param {Element} where
 * @param {string} name
 * @param {string | undefined} value
 */
export function mark(where, name, value) {
  if (value === undefined) where.removeAttribute(name);
  else if (where.getAttribute(name) !== value) where.setAttribute(name, value);
}
