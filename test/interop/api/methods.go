package main

import (
	"reflect"
	"sort"

	tailscale "tailscale.com/client/tailscale/v2"
)

// methods names every exported method of every resource of the client, by looking at the client itself: Resource.Method. A resource is what a method of the
// client gives that takes nothing; one that is there under two names counts by the name of its type.
func methods() []string {
	client := reflect.TypeOf(&tailscale.Client{})
	names := map[string]bool{}
	for i := range client.NumMethod() {
		accessor := client.Method(i)
		if accessor.Type.NumIn() != 1 || accessor.Type.NumOut() != 1 {
			continue
		}
		resource := accessor.Type.Out(0)
		name := resource.Elem().Name()
		for j := range resource.NumMethod() {
			method := resource.Method(j)
			if _, promoted := client.MethodByName(method.Name); promoted {
				continue
			}
			names[name[:len(name)-len("Resource")]+"."+method.Name] = true
		}
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
