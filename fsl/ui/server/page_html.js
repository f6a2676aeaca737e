// A page writes its settings into its address. Streamlit makes a new entry of the browser's history of that,
// so that Back would stay on the page. The entry of the page takes the new address instead.
{
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const isSamePage = new URL(url, location.href).pathname === location.pathname;
    if (isSamePage) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}
