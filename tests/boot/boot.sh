#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The units under a systemd of their own, which boots in namespaces, on an overlay of this host's files, with
# what is built here installed: at boot, with an interface that comes later, reloaded, healed, undone, upgraded
# under traffic as a package with the scripts of debian/, stopped, removed.
# As root; E2E_BACKENDS is what the policy is reloaded with, and upgraded.
set -u

: "${E2E_BACKENDS:=xdp tc nft}"
systemd=/lib/systemd/systemd
versions='0.2 0.3'

if [ -z "${boot_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'boots a systemd in namespaces: run as root'; exit 77; }
	[ -x $systemd ] || { echo "needs $systemd"; exit 77; }
	for each in dpkg-deb deb-systemd-invoke nft strip; do
		[ -n "$(command -v $each)" ] || { echo "needs $each"; exit 77; }
	done
	folder=$(mktemp -d) || exit 1
	mount -t tmpfs boot "$folder" || exit 1
	trap 'umount -l "$folder"; rmdir "$folder"' EXIT
	mkdir "$folder"/{upper,work,root}
	boot_inside=yes here=$(realpath "$(dirname "$0")")
	export boot_inside folder here E2E_BACKENDS MAKE
	timeout -s KILL 300 unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup \
		--propagation private bash "$here/boot.sh"
	cat "$folder/out"
	grep -q '^[0-9]* passed, 0 failed$' "$folder/out"
	exit
fi
# shellcheck source=tests/lib/checks.sh
. "$here/../lib/checks.sh"

# A package with what is built here, and with the scripts of debian/, which have nothing of debhelper then.  The
# program of each version is another file.
build_package() {
	package=$folder/package-$1
	"${MAKE:-make}" -s install DESTDIR="$package" >/dev/null && mkdir "$package/DEBIAN" || exit 1
	[ "$1" != "${versions% *}" ] || find "$package" -path '*bin/entitymux' -exec strip {} +
	for script in postinst prerm; do
		sed '/^#DEBHELPER#$/d' "$here/../../debian/entitymux.$script" >"$package/DEBIAN/$script"
		chmod 755 "$package/DEBIAN/$script"
	done
	printf '%s\n' 'Package: entitymux' "Version: $1" "Architecture: $(dpkg --print-architecture)" \
		'Maintainer: nobody <nobody@example.org>' 'Description: a test' >"$package/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone --build "$package" "$folder/$1.deb" >/dev/null || exit 1
}

# The host that boots: nothing of it but what the units need, and nothing of it stays.
build_host() {
	root=$folder/root
	mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" boot "$root" &&
		"${MAKE:-make}" -s install DESTDIR="$root" >/dev/null || exit 1
	for each in proc:proc sysfs:sys tmpfs:run tmpfs:tmp tmpfs:dev cgroup2:sys/fs/cgroup bpf:sys/fs/bpf; do
		mount -t "${each%%:*}" boot "$root/${each#*:}" || exit 1
	done
	for each in null zero full random urandom tty; do
		touch "$root/dev/$each" && mount --bind "/dev/$each" "$root/dev/$each" || exit 1
	done
	mkdir -p "$root"/dev/{shm,pts,mqueue,hugepages}
	mount -t devpts -o newinstance,ptmxmode=0666 boot "$root/dev/pts" && ln -s pts/ptmx "$root/dev/ptmx"
	rm -f "$root/usr/sbin/policy-rc.d" # of a container, which starts nothing
	mkdir -p "$root"/run/{netns,kept} "$root"/run/systemd/system
	mount --bind "$folder" "$root/run/kept"
	rm -rf "$root"/etc/systemd/system/* "$root"/lib/systemd/system/*.wants/* "$root"/etc/init.d/*
	mkdir "$root/run/systemd/system/sockets.target.wants"
	ln -s "$root"/lib/systemd/system/systemd-journald.socket "$root/run/systemd/system/sockets.target.wants"
	systemd-machine-id-setup --root="$root" 2>/dev/null
}

unit_of() { find /usr/local/lib/systemd /lib/systemd /usr/lib/systemd -name "$1" 2>/dev/null | head -n 1; }

enter_host() {
	cd "$root" && mkdir old && pivot_root . old && cd / && umount -l /old && rmdir /old || exit 1
	unit=$(unit_of entitymux.service)
	entitymux=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
	config=$(sed -n 's/^ConditionPathExists=//p' "$unit")
	mkdir -p /run/systemd/system/multi-user.target.wants "$(dirname "$config")"
	for each in entitymux entitymux-heal; do
		ln -s "$(unit_of $each.service)" /run/systemd/system/multi-user.target.wants/
	done
	ip link set lo up
	ip netns add sender
	pair early 192.0.2
}

# A wire to the sender: pair NAME NETWORK
pair() {
	ip link add "$1" address "02:00:00:00:00:0${#1}" type veth peer name "$1-out" netns sender
	ip address add "$2.1/24" dev "$1"
	ip link set "$1" up
	ip -n sender address add "$2.9/24" dev "$1-out"
	ip -n sender link set "$1-out" up
	ip -n sender neighbour add "$2.1" lladdr "02:00:00:00:00:0${#1}" dev "$1-out" nud permanent
}

# conf BACKEND ENTITY...
conf() {
	echo "backend = \"$1\"; listeners = ("
	shift
	entities=$(printf '{ tag = "0x%s"; port = 6001; }, ' "$@")
	echo "{ name = \"early\"; interfaces = [ \"early\" ]; port = 5000; tag = { offset = 0; length = 1; };
		entities = ( ${entities%, } ); },
	{ name = \"late\"; interfaces = [ \"later\" ]; missing = \"wait\"; port = 5000;
		tag = { offset = 0; length = 1; }; entities = ( { tag = \"0x61\"; port = 6001; } ); } );"
}

em() { "$entitymux" "$@"; }
tenant_in_place() { in_tenant status >/dev/null && in_tenant status | grep -q '^state: *in place'; }
in_tenant() { ip netns exec tenant "$entitymux" "$@"; }
send() { ip netns exec sender bash -c "printf $2 >/dev/udp/$1/5000"; }
counted() { em stats --prometheus | sed -n "s/^entitymux_rewritten_packets_total{.*listener=\"$1\".*} //p"; }
count_is() { [ "$(counted "$1")" = "$2" ]; }
in_place() { em status >/dev/null && em status | grep -q "$1"; }
log() { systemctl status --no-pager --lines=20 "$1" 2>&1; }

reloaded() {
	title="reloaded with $1: "
	conf "$1" 61 62 >"$config"
	check 'systemctl' systemctl reload entitymux
	within 5 'in place' in_place "^backend: *$1 "
	is 'counted on' "$sent" "$(counted early)"
	send 192.0.2.1 b
	sent=$((sent + 1))
	within 5 'a datagram' count_is early "$sent"
}

# Datagrams one behind the other until the file stop is there, and what becomes of them behind us.
traffic() {
	rm -f stop
	nft -f - <<-END
	table inet watch {
		counter sorted { }
		counter unsorted { }
		chain in {
			type filter hook input priority 0
			iifname "early" udp dport 6001 counter name "sorted"
			iifname "early" udp dport 5000 counter name "unsorted"
		}
	}
	END
	ip netns exec sender bash -c 'exec 3<>/dev/udp/192.0.2.1/5000
		until [ -e /run/kept/stop ]; do printf a >&3; done' 2>/dev/null &
	within 5 'datagrams arrive' some_sorted
}
watched() { nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
some_sorted() { [ "$(watched sorted)" -gt 1000 ]; }
end_traffic() {
	touch stop
	wait $!
	sleep 0.3 # in which the last ones arrive
}
programs_of() { readlink "/proc/$(systemctl show -P MainPID "$1")/exe"; }

upgraded() {
	title="upgraded with $1: "
	conf "$1" 61 >"$config"
	check 'reload' systemctl reload entitymux
	[ "$1" != auto ] || check 'the first one' dpkg -i --force-depends "${versions% *}.deb"
	before=$(counted early)
	traffic
	conf "$1" 61 62 63 >"$config" # which nobody has applied yet
	for version in ${versions#* } $versions; do
		check "dpkg -i $version" dpkg -i --force-depends --force-downgrade "$version.deb"
		is 'the program is that of the package' "$(sha256sum <"package-$version$entitymux")" "$(sha256sum <"$entitymux")"
	done
	says 'the new one has applied the configuration' '^policy: *listeners: 2, entities: 4$' "$(em status)"
	is 'heal is the new one' "$entitymux" "$(programs_of entitymux-heal)"
	check 'the unit was not stopped' systemctl is-active entitymux
	end_traffic
	is 'what passed unsorted' 0 "$(watched unsorted)"
	is 'all are counted' $((before + $(watched sorted))) "$(counted early)"
	nft delete table inet watch
	sent=$(counted early)
}

# The counters, for a node exporter.
exported() {
	title='stats: '
	exported=/var/lib/prometheus/node-exporter/entitymux.prom
	rm -rf "${exported%/*}"
	check 'without an exporter' systemctl start entitymux-stats
	is 'nothing is written' '' "$(ls $exported 2>&-)"
	mkdir -p "${exported%/*}"
	check 'start' systemctl start entitymux-stats
	says 'counters' "^entitymux_rewritten_packets_total\{listener=\"early\"\} $sent$" "$(cat $exported)"
	is 'which others may read' 644 "$(stat -c %a $exported)"
	rm $exported
	check 'the timer' systemctl start entitymux-stats.timer
	within 10 'at once' test -s $exported
	rm -f $exported
	within 40 'and again' test -s $exported
	check 'what the unit may do' systemd-analyze security --threshold=25 --no-pager entitymux-stats.service
	check 'no unit has failed' sh -c '! systemctl --failed --quiet | grep stats'
	check 'stop' systemctl stop entitymux-stats.timer
}

removed() {
	title='removed: '
	check 'start' systemctl start entitymux
	cp "$entitymux" kept
	check 'dpkg -r' dpkg -r entitymux
	is 'the program is gone' '' "$(ls "$entitymux" 2>&-)"
	check 'the unit is stopped' sh -c '! systemctl -q is-active entitymux'
	says 'nothing is applied' 'nothing is applied' "$(./kept status)"
}

tests() {
	within 60 'the host is up' systemctl is-active multi-user.target
	check 'no unit has failed' sh -c '! systemctl --failed --quiet | grep .'
	check 'the unit' systemctl is-active entitymux
	[ "$failed" -eq 0 ] || { log entitymux; echo "$passed passed, $failed failed"; return; }
	check 'status' em status
	says 'an interface that is missing' 'later' "$(em status)"
	send 192.0.2.1 a
	sent=1
	within 5 'a datagram is sorted' count_is early 1

	title='later: '
	pair later 198.51.100
	within 30 'healed' sh -c "! '$entitymux' status | grep waiting"
	send 198.51.100.1 a
	within 5 'a datagram' count_is late 1
	is 'the other one' 1 "$(counted early)"

	for backend in $E2E_BACKENDS; do reloaded "$backend"; done

	title='a mistake in the configuration: '
	cp "$config" good.conf
	echo oops >"$config"
	check 'reload fails' sh -c '! systemctl reload entitymux'
	check 'and changes nothing' em status
	cp good.conf "$config"
	check 'reload' systemctl reload entitymux

	title='undone: '
	conf auto 61 62 63 >other.conf
	check 'apply' em apply --confirm=2 other.conf
	says 'a unit waits' 'Undo what nobody confirms' "$(systemctl list-units --no-pager 'run-*')"
	within 30 'and undoes it' in_place "^config: *$config"
	is 'counted on' "$sent" "$(counted early)"

	case " $E2E_BACKENDS " in
	*' nft '*)
		title='a flushed ruleset: '
		conf nft 61 >"$config"
		check 'reload' systemctl reload entitymux
		check 'nftables.service' systemctl start nftables
		within 30 'healed' in_place '^backend: *nft '
		send 192.0.2.1 a
		within 5 'a datagram is sorted' sh -c "'$entitymux' stats --prometheus |
			grep -q '^entitymux_rewritten_packets_total{.*\"early\".*} [1-9]'"
		;;
	esac

	for backend in auto $E2E_BACKENDS; do upgraded "$backend"; done
	exported

	title='in a namespace: '
	mkdir "${config%.conf}"
	sed 's/"early"/"inside"/g' "$config" >"${config%.conf}/tenant.conf"
	check 'without it, the unit fails' sh -c '! systemctl start entitymux@tenant'
	ip netns add tenant
	ip -n tenant link add inside type veth peer name outside
	ip -n tenant link set inside up
	ip -n tenant link set outside up
	check 'start' systemctl start entitymux@tenant
	check 'status' tenant_in_place
	check 'heal' systemctl start entitymux-heal@tenant
	ip -n tenant link del inside
	ip -n tenant link add inside type veth peer name outside
	ip -n tenant link set outside up
	ip -n tenant link set inside up
	within 30 'healed' tenant_in_place
	check 'heal is stopped' systemctl stop entitymux-heal@tenant
	check 'stop' systemctl stop entitymux@tenant
	says 'nothing is applied there' 'nothing is applied' "$(in_tenant status)"
	check 'the host is as before' em status

	title='stopped: '
	check 'heal' systemctl stop entitymux-heal
	check 'systemctl' systemctl stop entitymux
	says 'nothing is applied' 'nothing is applied' "$(em status)"
	check 'what the unit may do' systemd-analyze security --threshold=25 --no-pager entitymux.service
	removed
	title=
	[ "$failed" -eq 0 ] || { log entitymux; log entitymux-heal; log entitymux@tenant; log entitymux-heal@tenant; }
	echo "$passed passed, $failed failed"
}

for version in $versions; do build_package "$version"; done
build_host
enter_host
conf auto 61 >"$config"
# The first process is systemd; this one is beside it.
(
	tmp=/tmp
	cd /run/kept || exit
	tests >out 2>&1
	# To PID 1: exit at once.
	systemctl exit --force --force 2>/dev/null
	kill -s RTMIN+5 1
) &
exec env -i container=entitymux PATH="$PATH" $systemd --system --unit=multi-user.target --show-status=no \
	--log-target=journal
