/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include "network.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- small files of the system ---- */

/* The first line of a file, without what is no text; "" if there is none. */
static bool read_line(const char *path, char *room, size_t size)
{
    FILE *file = fopen(path, "re");
    room[0] = '\0';
    if (file == NULL)
        return false;
    size_t len = fread(room, 1, size - 1, file);
    fclose(file);
    room[len] = '\0';
    room[strcspn(room, "\r\n")] = '\0';
    for (char *end = room + strlen(room); end > room && end[-1] == ' ';)
        *--end = '\0';
    return room[0] != '\0';
}

/* VALUE of the line NAME=VALUE in os-release(5). */
static bool os_release(const char *name, char *room, size_t size)
{
    char line[512];
    size_t len = strlen(name);
    FILE *file = fopen("/etc/os-release", "re");
    room[0] = '\0';
    if (file == NULL)
        return false;
    while (room[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, len) != 0 || line[len] != '=')
            continue;
        char *value = line + len + 1;
        value += *value == '"';
        value[strcspn(value, "\"\r\n")] = '\0';
        (void)snprintf(room, size, "%s", value);
    }
    fclose(file);
    return room[0] != '\0';
}

/* "MemTotal:  16 kB" of /proc/meminfo; -1: there is no such line */
static int32_t meminfo(const char *name)
{
    char line[128];
    long kib = -1;
    size_t len = strlen(name);
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            kib = strtol(line + len + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib > INT32_MAX ? INT32_MAX : (int32_t)kib;
}

/* ---- what never changes ---- */

static void choose(char *room, size_t size, const char *given, const char *const *paths)
{
    room[0] = '\0';
    if (given != NULL)
        (void)snprintf(room, size, "%s", given);
    for (size_t i = 0; room[0] == '\0' && paths[i] != NULL; i++)
        read_line(paths[i], room, size);
}

static void find_texts(struct machine *m, const struct config *c)
{
    static const char *const vendor[] = { "/sys/class/dmi/id/sys_vendor", NULL };
    static const char *const model[] = { "/sys/class/dmi/id/product_name",
                                         "/proc/device-tree/model", NULL };
    static const char *const serial[] = { "/sys/class/dmi/id/product_serial",
                                          "/proc/device-tree/serial-number", "/etc/machine-id",
                                          NULL };
    struct utsname about;
    choose(m->manufacturer, sizeof m->manufacturer, c->device.manufacturer, vendor);
    choose(m->model, sizeof m->model, c->device.model, model);
    choose(m->serial, sizeof m->serial, c->device.serial, serial);
    if (c->device.firmware != NULL)
        (void)snprintf(m->firmware, sizeof m->firmware, "%s", c->device.firmware);
    else
        os_release("VERSION_ID", m->firmware, sizeof m->firmware);
    if (c->device.type != NULL)
        (void)snprintf(m->type, sizeof m->type, "%s", c->device.type);
    else
        os_release("PRETTY_NAME", m->type, sizeof m->type);
    if (c->device.hardware != NULL)
        (void)snprintf(m->hardware, sizeof m->hardware, "%s", c->device.hardware);
    else if (uname(&about) == 0)
        (void)snprintf(m->hardware, sizeof m->hardware, "%.64s", about.machine);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void enable(struct ln_device *device, uint16_t rid)
{
    enum ln_status st = ln_device_enable(device, rid);
    (void)st; /* the ids are of the list in objects.h */
}

static void find_battery(struct machine *m)
{
    static const char folder[] = "/sys/class/power_supply";
    char path[600];
    char type[32];
    DIR *all = opendir(folder);
    const struct dirent *entry;
    while (all != NULL && m->battery[0] == '\0' && (entry = readdir(all)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s/type", folder, entry->d_name);
        if (read_line(path, type, sizeof type) && strcmp(type, "Battery") == 0)
            (void)snprintf(m->battery, sizeof m->battery, "%s/%.255s", folder, entry->d_name);
    }
    if (all != NULL)
        closedir(all);
    if (m->battery[0] == '\0')
        return;
    enable(&m->device, 9);
    enable(&m->device, 20);
}

/* "Europe/Berlin", from where /etc/localtime leads to. */
static void find_timezone(struct ln_device *device)
{
    char path[256];
    ssize_t len = readlink("/etc/localtime", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    const char *name = strstr(path, "zoneinfo/");
    if (name != NULL)
        (void)snprintf(device->timezone, sizeof device->timezone, "%.47s",
                       name + strlen("zoneinfo/"));
}

static void find_utc_offset(struct ln_device *device)
{
    time_t now = time(NULL);
    struct tm local;
    char text[8] = "";
    if (localtime_r(&now, &local) != NULL && strftime(text, sizeof text, "%z", &local) == 5)
        (void)snprintf(device->utc_offset, sizeof device->utc_offset, "%.3s:%.2s", text, text + 3);
}

/* ---- what changes ---- */

/* Status of power_supply -> /3/0/20: 0 normal, 1 charging, 2 charged, 6 unknown. */
static int32_t battery_status(const char *word)
{
    if (strcmp(word, "Charging") == 0)
        return 1;
    if (strcmp(word, "Full") == 0)
        return 2;
    return strcmp(word, "Discharging") == 0 || strcmp(word, "Not charging") == 0 ? 0 : 6;
}

static void refresh_device(void *user, struct ln_device *device)
{
    const struct machine *m = user;
    char path[400];
    char text[32];
    device->memory_free = meminfo("MemAvailable");
    if (m->battery[0] == '\0')
        return;
    (void)snprintf(path, sizeof path, "%s/capacity", m->battery);
    if (read_line(path, text, sizeof text))
        device->battery_level = (int32_t)strtol(text, NULL, 10);
    (void)snprintf(path, sizeof path, "%s/status", m->battery);
    read_line(path, text, sizeof text);
    device->battery_status = battery_status(text);
}

static void refresh_connectivity(void *user, struct ln_connectivity *connectivity)
{
    (void)user;
    network_read(connectivity);
}

void machine_refresh(struct machine *machine)
{
    refresh_device(machine, &machine->device);
    network_read(&machine->connectivity);
}

static void on_reboot(void *user)
{
    const struct machine *m = user;
    m->reboot(m->user);
}

void machine_init(struct machine *machine, const struct config *config, const char *version)
{
    struct ln_device *d = &machine->device;
    memset(machine, 0, sizeof *machine);
    ln_device_init(d);
    ln_connectivity_init(&machine->connectivity);
    find_texts(machine, config);
    d->manufacturer = or_null(machine->manufacturer);
    d->model = or_null(machine->model);
    d->serial = or_null(machine->serial);
    d->firmware = or_null(machine->firmware);
    d->hardware = or_null(machine->hardware);
    d->type = or_null(machine->type);
    d->software = config->device.software != NULL ? config->device.software : version;
    d->memory_total = meminfo("MemTotal");
    if (d->memory_total >= 0) {
        enable(d, 10);
        enable(d, 21);
    }
    find_battery(machine);
    find_timezone(d);
    find_utc_offset(d);
    enable(d, 14);
    enable(d, 15);
    d->refresh = refresh_device;
    d->user = machine;
    machine->connectivity.refresh = refresh_connectivity;
}

enum ln_status machine_add(struct machine *machine, struct ln_client *client)
{
    machine->device.reboot = machine->reboot != NULL ? on_reboot : NULL;
    machine_refresh(machine);
    enum ln_status st = ln_device_add(client, &machine->device);
    if (st == LN_OK)
        st = ln_connectivity_add(client, &machine->connectivity);
    if (st == LN_OK)
        st = ln_time_add(client, &machine->time);
    return st;
}
