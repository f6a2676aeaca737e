"""Keep a click on a link while the server is busy: Streamlit would forget it.

A request waits until the run under way reaches its next element. Meanwhile the clock of a fragment
(``run_every``) on the page that is being left may ask for a run, and so may one of its components, as the one
that tells a tab's secret, and that page's script (``st.rerun``). Streamlit merges the two requests and takes
the page of the later one, the old page.
"""

from __future__ import annotations

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)


def keep_page_changes() -> None:
    """Ignore reruns that a page requests by itself while a user leaves it; call once in each process."""
    merge, request = ScriptRequests.request_rerun, AppSession.request_rerun

    def merge_unless_left(requests: ScriptRequests, new_data: RerunData) -> bool:
        return _is_being_left(requests, new_data) or merge(requests, new_data)

    def request_unless_left(session: AppSession, client_state: ClientState | None) -> None:
        if not _has_been_left(session, client_state):
            request(session, client_state)

    ScriptRequests.request_rerun = merge_unless_left  # type: ignore[assignment, method-assign]
    AppSession.request_rerun = request_unless_left  # type: ignore[assignment, method-assign]


def _is_being_left(requests: ScriptRequests, new_data: RerunData) -> bool:
    """Return whether the page that is being left asks for a run, which would bring it back."""
    if requests._state != ScriptRequestType.RERUN:
        return False
    context = get_script_run_ctx(suppress_warning=True)  # of st.rerun; a browser's request has none
    is_rerun = context is not None and context.page_script_hash == new_data.page_script_hash
    is_other_page = requests._rerun_data.page_script_hash != new_data.page_script_hash
    is_of_part = bool(new_data.fragment_id)  # a clock or a component; a link asks for the whole page
    return is_other_page and (is_of_part or is_rerun)


def _has_been_left(session: AppSession, client_state: ClientState | None) -> bool:
    """Return whether a clock ticks that the browser has not stopped yet: another page is drawn already."""
    if client_state is None or not client_state.is_auto_rerun:
        return False
    return client_state.page_script_hash != session.page_script_hash
