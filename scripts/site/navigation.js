// TypeDoc's navigation has links inside of summaries: a control within a control, which screen readers do not announce. Each such link
// becomes the first item of its list, and the summary keeps its text. TypeDoc builds the list in the page, so that this waits for it.
const navigation = document.querySelector('#tsd-nav-container');

function moveLinks() {
  for (const link of navigation.querySelectorAll('summary a')) {
    const item = document.createElement('li');
    const list = link.closest('details').querySelector('ul');
    const name = document.createElement('span');
    name.textContent = link.textContent;
    link.replaceWith(name);
    link.textContent = `All of ${name.textContent}`;
    item.append(link);
    list.prepend(item);
  }
}

if (navigation) {
  new MutationObserver(moveLinks).observe(navigation, { childList: true, subtree: true });
  moveLinks();
}
