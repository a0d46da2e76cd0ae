// SPDX-License-Identifier: Apache-2.0
import { api } from "../api";
import { HubTable } from "../components/hub_table";
import { Page } from "../components/page";
import { useResource } from "../hooks/resource";
import { plural } from "../logic/format";
import { Empty, Failure, Loading } from "../ui/notice";

export function HubsView() {
  const { data: hubs, error, reload } = useResource((signal) => api.hubs(signal), 5);
  return (
    <Page title="Hubs" about={hubs && plural(hubs.length, "hub")}>
      <p class="hint">Hubs end the devices' tunnels and judge every packet. A hub that lost the gateway goes on enforcing what was signed last.</p>
      {error && <Failure error={error} retry={reload} />}
      {hubs ? hubs.length ? <HubTable hubs={hubs} /> : <Empty title="No hub yet">Create a token for one under Tokens.</Empty> : !error && <Loading what="hubs" />}
    </Page>
  );
}
