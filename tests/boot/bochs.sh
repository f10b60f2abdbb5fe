# shellcheck shell=bash
# bochs.sh: images on Bochs. Debian's build boots no kernel by itself, so GRUB does, from a CD; and it
# begins in its debugger, which is told to continue. It needs bochs, grub-mkrescue and xorriso.

# bochs_start FOLDER COM1 SECONDS LINE...: boots FOLDER/iso/boot by GRUB's LINEs, COM1 as a bochsrc has it,
# for at most so long. Sets bochs, its process; FOLDER/log is Bochs's, or why GRUB's image could not be made.
bochs_start() {
    local folder=$1 com1=$2 seconds=$3
    shift 3
    mkdir -p "$folder/iso/boot/grub"
    {
        printf 'set timeout=0\nmenuentry s {\n'
        printf ' %s\n' "$@" boot
        echo '}'
    } >"$folder/iso/boot/grub/grub.cfg"
    grub-mkrescue -o "$folder/boot.iso" "$folder/iso" >"$folder/log" 2>&1 || return
    cat >"$folder/bochsrc" <<END
megs: 64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$folder/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, $com1
log: $folder/log
cpu: model=pentium, ips=40000000
clock: sync=none
display_library: rfb, options="timeout=0"
END
    echo c >"$folder/bochs.cmd"
    timeout "$seconds" bochs -q -f "$folder/bochsrc" -rc "$folder/bochs.cmd" >/dev/null 2>&1 </dev/null &
    bochs=$!
}
