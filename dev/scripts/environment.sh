# shellcheck shell=bash
# Source this file: `source dev/scripts/environment.sh STACK` puts the engine, the plugins and the virtual environment on
# PATH. For the stack `lab` it also sets the credentials of the lab's project and a state backend in the lab's own folder.
OPENSTACK_PAAS_CACHE=${OPENSTACK_PAAS_CACHE:-$HOME/.cache/openstack-paas}
export OPENSTACK_PAAS_CACHE
PATH=$OPENSTACK_PAAS_CACHE/venv/bin:$("$OPENSTACK_PAAS_CACHE/venv/bin/python" -m dev.toolchain path):$PATH
VIRTUAL_ENV=$OPENSTACK_PAAS_CACHE/venv
export PATH VIRTUAL_ENV
export PULUMI_SKIP_UPDATE_CHECK=true
if [ "$1" = lab ]; then
    LAB_STATE=${LAB_STATE:-/var/lib/openstack-paas-lab}
    mkdir -p "$LAB_STATE/pulumi"
    export LAB_STATE OS_CLOUD=lab OS_CLIENT_CONFIG_FILE=$LAB_STATE/clouds.yaml
    export PULUMI_HOME=$OPENSTACK_PAAS_CACHE/pulumi PULUMI_BACKEND_URL=file://$LAB_STATE/pulumi
    # The lab's passphrase protects nothing and is the same for everyone.
    export PULUMI_CONFIG_PASSPHRASE=lab
    # Makes the engine use the plugins that the toolchain has put into PULUMI_HOME, without a warning for each.
    export PULUMI_IGNORE_AMBIENT_PLUGINS=true
    pulumi stack select --create lab --non-interactive >/dev/null
fi
