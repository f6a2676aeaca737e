// A page writes its settings into its address. Streamlit makes a new entry of the browser's history of that,
// so that Back would stay on the page. The entry of the page takes the new address instead.
{
  const push = history.pushState.bind(history);
  let before = null; // the entry before a page last wrote into its address
  let isReturning = false; // Back or Forward was pressed, and nothing else since
  addEventListener("popstate", () => {
    before = null;
    isReturning = true;
  });
  for (const kind of ["pointerdown", "click", "keydown"]) {
    addEventListener(
      kind,
      () => {
        isReturning = false;
      },
      true,
    );
  }
  history.pushState = (state, unused, url) => {
    const to = new URL(url, location.href);
    if (to.pathname === location.pathname) {
      before = { state: history.state, url: location.href };
      history.replaceState(state, unused, url);
      return;
    }
    // The page that is left was still being drawn. Its entry would come after the one returned to.
    if (isReturning) return;
    // A page that is opened may write before the address is its own: that of the page left comes back.
    const isEarly = before && to.search && to.search === location.search;
    if (isEarly) history.replaceState(before.state, unused, before.url);
    before = null;
    push(state, unused, url);
  };
}
